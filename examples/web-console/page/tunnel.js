import { createClient, ticketFrom } from 'wsproxy-browser';

/**
 * The tunnel of this page. It comes back by itself, each time with another ticket of the server.
 *
 * @param {(status: import('wsproxy-browser').ClientStatus) => void} onStatus
 */
export function openTunnel(onStatus) {
  const client = createClient({ url: 'tunnel', ticket: ticketFrom('ticket') });
  client.addEventListener('state', () => onStatus(client.status));
  void client.start().catch(() => {});
  return {
    /** The connection, which ends when `givenUp` says so. */
    connect(target, givenUp) {
      const connection = client.connect(target);
      givenUp?.addEventListener('abort', () => connection.close());
      return connection.opened;
    },
    close: () => client.close(),
  };
}

/** Asks the server of this page. */
export async function post(path, body) {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (response.ok) return answer;
  throw new Error(answer.error);
}
