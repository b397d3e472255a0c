const STORES = ['host-keys', 'page-key'];

/** What this browser keeps between two visits: values by a key, in a store of IndexedDB. */
export const database = {
  get: (store, key) => run(store, 'readonly', (all) => all.get(key)),
  keys: (store) => run(store, 'readonly', (all) => all.getAllKeys()),
  set: (store, key, value) => run(store, 'readwrite', (all) => all.put(value, key)),
  remove: (store, key) => run(store, 'readwrite', (all) => all.delete(key)),
};

let opened;

async function run(store, mode, act) {
  opened ??= open();
  const transaction = (await opened).transaction(store, mode);
  const request = act(transaction.objectStore(store));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

function open() {
  const request = indexedDB.open('console', 1);
  request.onupgradeneeded = () => {
    for (const store of STORES) request.result.createObjectStore(store);
  };
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
