import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { until } from 'wsproxy-test-support/until';
import type { Fleet, Place } from './fleet.js';
import type { Lab } from './lab.js';

/** Where applications come from. A connection to a free port from the address of that port may lead to itself. */
const APPLICATIONS = '127.0.0.9';
/** Longer than any fault lasts, ms. */
const LISTENS_IN = 60_000;

interface Listening {
  readonly port: number;
  readonly place: Place;
}

/** The port at one of the servers where a client listens by its `-R 0:…`, no matter where that is now. */
export class RemotePort {
  readonly #lab: Lab;
  readonly #places: Fleet['places'];
  #now: Listening | undefined;
  #rest = '';
  /** How often the client has said that it listens. */
  moves = 0;

  constructor(lab: Lab, { client, places }: Fleet) {
    this.#lab = lab;
    this.#places = places;
    this.#read(client.program.stderr);
    client.program.child.stderr?.on('data', (text: string) => this.#read(text));
  }

  /** Resolves once the client listens at this server. */
  async untilAt(place: Place): Promise<void> {
    await until(`the client listens at ${place.address}`, () => this.#now?.place === place, LISTENS_IN);
  }

  /** A connection to it, and the server that has it; rejects when nobody listens there any more. */
  async connect(onPlace: (place: Place) => void): Promise<Socket> {
    await until('the client listens', () => this.#now !== undefined, LISTENS_IN).catch((error: unknown) => {
      this.#lab.fail(String(error));
      throw error;
    });
    const at = this.#now as Listening;
    onPlace(at.place);
    const to = { port: at.port, host: '127.0.0.1', localAddress: APPLICATIONS };
    const socket = connect({ ...to, allowHalfOpen: true });
    atEnd(() => socket.destroy());
    try {
      await once(socket, 'connect');
    } catch (error) {
      // Until the client says where it listens next.
      if (this.#now === at) this.#now = undefined;
      throw error;
    }
    // From here on an error shows as the ending of the connection.
    return socket.on('error', () => {});
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines.filter((one) => one.includes('"the server listens"'))) {
      const { address, server } = JSON.parse(line);
      const place = this.#places.find(({ relay }) => relay.port === Number(new URL(server).port));
      if (place === undefined) throw new Error(`which server is ${server}?`);
      this.#now = { port: Number(/:(\d+)$/.exec(address)?.[1]), place };
      this.moves += 1;
    }
  }
}
