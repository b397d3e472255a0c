import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach } from 'vitest';
import { WebSocket } from 'ws';
import { type Channel, Greeter, Session, type SessionOptions, systemClock, systemMemory } from 'wsproxy-engine';
import { WebSocketTransport } from 'wsproxy-node/transports';

export const TOKEN = 'a-token-for-tests-0123456789-abcdefghij';

const closers: (() => unknown)[] = [];

/** Runs after the test, the last registered first. */
export function closeWith(close: () => unknown): void {
  closers.push(close);
}

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A client of a server over a real WebSocket. */
export class Peer {
  readonly lost: Promise<number>;
  readonly goAways: string[] = [];
  readonly session: Session;
  readonly #greeter: Greeter;

  constructor(value = 1, grace = 60_000, onCall?: SessionOptions['onCall']) {
    let onLost: (code: number) => void = () => {};
    this.lost = new Promise((resolve) => {
      onLost = resolve;
    });
    this.session = new Session({
      role: 'client',
      clock: systemClock,
      memory: systemMemory,
      onCall,
      onDetached: ({ code }) => onLost(code),
      onGoAway: (kind) => this.goAways.push(kind),
      onClosed() {},
    });
    const key = { id: Buffer.alloc(16, value), secret: Buffer.alloc(32, 2) };
    this.#greeter = new Greeter(this.session, grace, key);
    closeWith(() => this.session.close('the test is over', 1000));
  }

  async connect(port: number, token = TOKEN, path = '/', headers: Record<string, string> = {}): Promise<WebSocket> {
    const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, ['wsproxy.v1'], {
      headers: { authorization: `Bearer ${token}`, ...headers },
      perMessageDeflate: false,
    });
    closeWith(() => ws.terminate());
    ws.on('error', () => {});
    const [[{ socket }]] = await Promise.all([once(ws, 'upgrade'), once(ws, 'open')]);
    await new Promise<void>((welcome) =>
      this.#greeter.greet(new WebSocketTransport(ws, socket, { role: 'client', masks: true }, systemMemory), welcome),
    );
    return ws;
  }

  open(host: string, port: number): Promise<{ channel: Channel; outcome: string }> {
    return new Promise((resolve) => {
      const channel: Channel = this.session.open(
        { host, port },
        { onOpen: () => resolve({ channel, outcome: 'open' }), onFail: (code) => resolve({ channel, outcome: code }) },
      );
    });
  }
}

/** Listens, and leaves open what connects; the port. */
export async function startDestination(): Promise<number> {
  const destination = createServer({ allowHalfOpen: true }, (socket) => {
    closeWith(() => socket.destroy());
    socket.on('error', () => {});
  });
  destination.listen(0, '127.0.0.1');
  closeWith(() => destination.close());
  await once(destination, 'listening');
  return (destination.address() as AddressInfo).port;
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
