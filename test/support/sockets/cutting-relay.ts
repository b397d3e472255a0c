import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { atEnd } from '../cleanup/at-end.js';
import { Dice } from '../dice.js';
import { type Conditions, GOOD_CONDITIONS, RelayLane } from './relay-lane.js';
import { reset } from './reset.js';

/**
 * How a connection is cut: as a firewall or a crash does it, as a reverse proxy that restarts does it, or as a network
 * that forgets it, so that nothing passes any more and nobody is told.
 */
export type Cut = 'reset' | 'end' | 'silence';

/** Towards the server, or towards the client. */
export type Direction = 'up' | 'down';

/** A connection that passes through a relay. */
export class RelayedConnection {
  /** To the client, and to the server. */
  readonly near: Socket;
  readonly far: Socket;
  readonly lanes: Readonly<Record<Direction, RelayLane>>;

  constructor(near: Socket, far: Socket, lanes: Readonly<Record<Direction, RelayLane>>) {
    this.near = near;
    this.far = far;
    this.lanes = lanes;
  }

  cut(kind: Cut): void {
    if (kind === 'silence') return this.hold();
    for (const socket of [this.near, this.far]) cutSocket(socket, kind);
  }

  /** Keeps what arrives from now on, and lets the ends live on without each other. */
  hold(...directions: readonly Direction[]): void {
    for (const lane of this.#lanesOf(directions)) lane.hold();
  }

  /** Passes on what was kept, as late as it is. */
  release(): void {
    for (const lane of this.#lanesOf([])) lane.release();
  }

  #lanesOf(directions: readonly Direction[]): RelayLane[] {
    const { up, down } = this.lanes;
    return directions.length === 0 ? [up, down] : directions.map((direction) => this.lanes[direction]);
  }
}

/** A TCP relay between client and server that does to what passes through it anything that a network may do. */
export class CuttingRelay {
  /** Where new connections are passed on to. */
  target: number;
  onConnection: (connection: RelayedConnection) => void = () => {};
  /** Told of every piece that arrives here, in either direction. */
  onBytes: (connection: RelayedConnection, bytes: number) => void = () => {};
  /** Connections that are open, oldest first. */
  readonly connections = new Set<RelayedConnection>();
  /** Connections so far. */
  accepted = 0;
  readonly #server = createServer({ allowHalfOpen: true }, (near) => this.#serve(near));
  readonly #dice: Dice;
  #conditions = GOOD_CONDITIONS;
  #held: readonly Direction[] | undefined;
  #port = 0;

  /** Gone at the end of the test, after everything that begins later. What is left to chance is left to `dice`. */
  constructor(target: number, dice: Dice = new Dice('relay')) {
    this.target = target;
    this.#dice = dice;
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

  /** Goes away with every connection: anyone who connects is refused. */
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

  /** What every connection meets from now on, those that are open and those that come. */
  set conditions(conditions: Partial<Conditions>) {
    this.#conditions = { ...GOOD_CONDITIONS, ...conditions };
    for (const { lanes } of this.connections) lanes.up.conditions = lanes.down.conditions = this.#conditions;
  }

  /** A black hole, for new connections as well: nothing passes, or nothing in these directions, until `release`. */
  hold(...directions: readonly Direction[]): void {
    this.#held = directions;
    for (const connection of this.connections) connection.hold(...directions);
  }

  release(): void {
    this.#held = undefined;
    for (const connection of this.connections) connection.release();
  }

  #serve(near: Socket): void {
    // Accepted just before the relay went away.
    if (!this.#server.listening) return void near.destroy();
    this.accepted += 1;
    const far = connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true });
    const lane = (from: Socket, to: Socket): RelayLane =>
      new RelayLane(from, to, this.#conditions, this.#dice, (bytes) => this.onBytes(connection, bytes));
    const connection = new RelayedConnection(near, far, { up: lane(near, far), down: lane(far, near) });
    if (this.#held !== undefined) connection.hold(...this.#held);
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

function cutSocket(socket: Socket, kind: Exclude<Cut, 'silence'>): void {
  if (kind === 'reset') reset(socket);
  else socket.end(() => socket.destroy());
}
