import { createClient, receivePushes, ticketFrom } from 'wsproxy-browser';

const KEY = 'messages';
/** Messages that the page shows; older ones are forgotten. */
const MOST = 1_000;
const STATES = { connecting: 'Connecting', connected: 'Connected', away: 'Reconnecting', gone: 'Disconnected' };

const form = document.querySelector('form');
const state = document.querySelector('[role=status]');
const list = document.querySelector('ol');

show();
form.addEventListener('submit', (event) => {
  event.preventDefault();
  form.hidden = true;
  state.textContent = 'Another tab has the messages.';
  // One reader at a time: a second tab waits until this one is closed.
  void navigator.locks.request(KEY, () => receive(form.elements.token.value.trim()));
});
addEventListener('storage', show);

function receive(token) {
  // The token is in the memory of this page alone: after a reload it is asked for again.
  const client = createClient({
    url: 'tunnel',
    ticket: ticketFrom('ticket', { headers: { Authorization: `Bearer ${token}` } }),
  });
  const receiver = receivePushes(client, 'messages', keep, { after: kept().position });
  // Until then it keeps the lock of this tab.
  return new Promise((resolve) => {
    client.addEventListener('state', () => {
      const { state: name, reason } = client.status;
      state.textContent = `${STATES[name]}${name === 'gone' ? ` (${reason})` : ''}`;
      if (name !== 'gone') return;
      // The token is wrong, or not good any more: another one may be.
      receiver.close();
      form.hidden = false;
      resolve();
    });
  });
}

/** The message and its position are kept in one step: a message that comes again after a reload is known. */
function keep(message, position) {
  const messages = [...kept().messages, new TextDecoder().decode(message)].slice(-MOST);
  localStorage.setItem(KEY, JSON.stringify({ messages, position }));
  show();
}

function kept() {
  return JSON.parse(localStorage.getItem(KEY) ?? '{"messages":[]}');
}

function show() {
  list.replaceChildren(
    ...kept().messages.map((message) => {
      const item = document.createElement('li');
      item.textContent = message;
      return item;
    }),
  );
}
