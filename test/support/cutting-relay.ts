import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { atEnd } from './at-end.js';

/**
 * How a connection is cut: as a firewall or a crash does it, as a reverse proxy that restarts does it, or as a network
 * that forgets it, so that nothing passes any more and nobody is told.
 */
export type Cut = 'reset' | 'end' | 'silence';

/** A connection that passes through a relay. */
export class RelayedConnection {
  /** To the client, and to the server. */
  readonly near: Socket;
  readonly far: Socket;
  #held: [to: Socket, chunk: Buffer][] | undefined;
  #isSilent = false;

  constructor(near: Socket, far: Socket, onBytes: (connection: RelayedConnection, bytes: number) => void) {
    this.near = near;
    this.far = far;
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      from.on('error', () => {});
      from.on('data', (chunk: Buffer) => {
        if (this.#held !== undefined) this.#held.push([to, chunk]);
        else if (!to.write(chunk)) from.pause();
        onBytes(this, chunk.length);
      });
      to.on('drain', () => {
        if (!this.#isSilent) from.resume();
      });
      from.on('end', () => to.end());
      from.on('close', () => {
        if (this.#held === undefined) to.destroy();
      });
    }
  }

  cut(kind: Cut): void {
    this.#isSilent = kind === 'silence';
    for (const socket of [this.near, this.far]) cutSocket(socket, kind);
  }

  /** Keeps what arrives from now on, and lets the ends live on without each other. */
  hold(): void {
    this.#held = [];
  }

  /** Passes on what was kept, as late as it is. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const [to, chunk] of held) to.write(chunk);
  }
}

/** A TCP relay between client and server that does to what passes through it whatever a network may do. */
export class CuttingRelay {
  /** Where new connections are passed on to. */
  target: number;
  onConnection: (connection: RelayedConnection) => void = () => {};
  /** Told of every piece that passes, in either direction. */
  onBytes: (connection: RelayedConnection, bytes: number) => void = () => {};
  /** Connections that are open, oldest first. */
  readonly connections = new Set<RelayedConnection>();
  /** Connections so far. */
  accepted = 0;
  readonly #server = createServer({ allowHalfOpen: true }, (near) => this.#serve(near));
  #port = 0;

  /** Gone at the end of the test, after everything that begins later. */
  constructor(target: number) {
    this.target = target;
    atEnd(() => this.stop());
  }

  get port(): number {
    return this.#port;
  }

  /** Begins to listen, on the same port as before if it had one. */
  async start(): Promise<this> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Goes away with every connection: whoever connects is refused. */
  async stop(): Promise<void> {
    this.cut('reset');
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Cuts every connection that is open. */
  cut(kind: Cut): void {
    for (const connection of this.connections) connection.cut(kind);
  }

  #serve(near: Socket): void {
    this.accepted += 1;
    const far = connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true });
    const connection = new RelayedConnection(near, far, (...piece) => this.onBytes(...piece));
    this.connections.add(connection);
    near.once('close', () => this.connections.delete(connection));
    atEnd(() => far.destroy());
    this.onConnection(connection);
  }
}

export interface CuttingRelayOptions {
  /** Where to pass connections on to. */
  readonly to: number;
  /** A cut comes whenever so many bytes have passed, in both directions together. */
  readonly every: number;
  /** The kind of each cut; after the last one connections live. */
  readonly kinds: readonly Cut[];
}

/** A relay that cuts by itself; `cuts` are those so far. */
export async function startCuttingRelay(
  options: CuttingRelayOptions,
): Promise<{ port: number; readonly cuts: number }> {
  const relay = new CuttingRelay(options.to);
  let cuts = 0;
  let passed = 0;
  relay.onBytes = (connection, bytes) => {
    passed += bytes;
    const kind = options.kinds[cuts];
    if (kind === undefined || passed < options.every) return;
    passed = 0;
    cuts += 1;
    connection.cut(kind);
  };
  const { port } = await relay.start();
  return {
    port,
    get cuts() {
      return cuts;
    },
  };
}

function cutSocket(socket: Socket, kind: Cut): void {
  if (kind === 'silence') socket.pause();
  else if (kind === 'reset') socket.resetAndDestroy();
  else socket.end(() => socket.destroy());
}
