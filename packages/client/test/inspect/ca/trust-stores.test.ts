import { describe, expect, test } from 'vitest';
import { CHROMIUM, type StoreMachine, trustStores } from '../../../src/inspect/ca/trust-stores.js';

const CA = { name: 'wsproxy inspection 0a1b', path: '/state/ca.pem' };

/** A machine with these files and programs. */
function machine(paths: readonly string[], change: Partial<StoreMachine> = {}): StoreMachine {
  return {
    ...{ platform: 'linux', home: '/home/u', isRoot: false },
    exists: (path) => paths.includes(path),
    list: (folder) =>
      paths.flatMap((path) =>
        path.startsWith(`${folder}/`) ? [path.slice(folder.length + 1).split('/')[0] ?? ''] : [],
      ),
    has: () => true,
    ...change,
  };
}

const lines = (commands: readonly (readonly string[])[]): string[] => commands.map((words) => words.join(' '));

describe('the stores of CAs', () => {
  test.each([
    ['/usr/local/share/ca-certificates', '.crt', 'update-ca-certificates --fresh'],
    ['/etc/pki/ca-trust/source/anchors', '.pem', 'update-ca-trust extract'],
  ])('of a system with %s are within reach of root alone', (folder, ending, update) => {
    const [store] = trustStores(CA, machine([folder], { isRoot: true }));
    const file = `${folder}/wsproxy-inspection-0a1b${ending}`;
    expect(store?.isWithinReach).toBe(true);
    expect(lines(store?.add ?? [])).toEqual([`install -m 644 /state/ca.pem ${file}`, update]);
    expect(lines(store?.remove ?? [])).toEqual([`rm -f ${file}`, update]);
    const [ofUser] = trustStores(CA, machine([folder]));
    expect(ofUser?.isWithinReach).toBe(false);
    expect(lines(ofUser?.add ?? [])).toEqual([`sudo install -m 644 /state/ca.pem ${file}`, `sudo ${update}`]);
    expect(lines(ofUser?.remove ?? [])).toEqual([`sudo rm -f ${file}`, `sudo ${update}`]);
  });

  test('of Chromium and Firefox are within reach with certutil', () => {
    const paths = [
      '/home/u/.pki/nssdb/cert9.db',
      '/home/u/.mozilla/firefox/x.default/cert9.db',
      '/home/u/.mozilla/firefox/no-profile/x',
    ];
    const stores = trustStores(CA, machine(paths));
    expect(stores.map(({ whose, isWithinReach }) => [whose, isWithinReach])).toEqual([
      ['Chromium and Chrome', true],
      ['Firefox', true],
    ]);
    expect(lines(stores[1]?.add ?? [])).toEqual([
      'certutil -d sql:/home/u/.mozilla/firefox/x.default -A -t C,, -i /state/ca.pem -n wsproxy inspection 0a1b',
    ]);
    expect(trustStores(CA, machine(paths, { has: () => false })).some(({ isWithinReach }) => isWithinReach)).toBe(
      false,
    );
  });

  test.each(['.pki/nssdb', '.local/share/pki/nssdb', 'snap/chromium/current/.pki/nssdb'])(
    'of Chromium are found in %s',
    (folder) => {
      const [store, ...others] = trustStores(CA, machine([`/home/u/${folder}/cert9.db`]));
      expect(others).toEqual([]);
      expect(store?.whose).toBe(CHROMIUM);
      expect(lines(store?.remove ?? [])).toEqual([`certutil -d sql:/home/u/${folder} -D -n wsproxy inspection 0a1b`]);
    },
  );

  test.each(['darwin', 'win32'] as const)('of %s are left to the user, who is asked there', (platform) => {
    const [store, ...others] = trustStores(CA, machine([], { platform, isRoot: true }));
    expect(others).toEqual([]);
    expect(store?.isWithinReach).toBe(false);
    expect(lines(store?.add ?? [])[0]).toContain(CA.path);
    expect(lines(store?.remove ?? [])[0]).toContain(CA.name);
  });
});
