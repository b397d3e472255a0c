import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { deafReceiver, type SlabPool, systemClock, type Transport } from 'wsproxy-engine';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { until } from 'wsproxy-test-support/sockets/connected-sockets';
import { TransportLog } from 'wsproxy-test-support/sockets/transport-log';
import { HttpAcceptor } from '../../../src/transports/http/http-acceptor.js';
import { type HttpOpening, openHttp } from '../../../src/transports/http/open-http.js';
import type { WayToServer } from '../../../src/transports/open-transport.js';

/** A server whose requests are all of `owner`, and what a client needs to reach it. */
export class HttpEnds {
  readonly memory: SlabPool = newMemory();
  readonly acceptor: HttpAcceptor;
  readonly accepted: { transport: Transport; receiver: TransportLog }[] = [];
  readonly requests: string[] = [];
  readonly refused: number[] = [];
  owner = 'ada';
  ended = 0;
  /** Requests that have no whole answer yet, in the order they came in: what each is for, and the port it came from. */
  readonly waiting = new Map<string, number | undefined>();
  /** Where clients connect to; default: to the server itself. */
  front: number | undefined;
  /** What is between the two: true when it has seen to a request itself. */
  middle: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  readonly #server: Server;

  constructor() {
    this.acceptor = new HttpAcceptor({ memory: this.memory, clock: systemClock, headers: { 'X-Opened': 'yes' } });
    this.#server = createServer((request, response) => {
      const what = String(request.headers['wsproxy-transport']).replace(/^[^;]*;/, '');
      this.requests.push(what);
      this.waiting.set(what, request.socket.remotePort);
      response.once('close', () => this.waiting.delete(what));
      if (!this.middle(request, response)) this.accept(request, response);
    });
  }

  accept(request: IncomingMessage, response: ServerResponse): void {
    const arrival = { request, response };
    if (!this.acceptor.recognizes(arrival) || !this.acceptor.isRight(arrival)) response.writeHead(400).end();
    else
      this.acceptor.accept(arrival, {
        owner: this.owner,
        onTransport: (transport) => {
          const receiver = new TransportLog();
          transport.receiver = receiver;
          this.accepted.push({ transport, receiver });
          return () => {
            this.ended += 1;
          };
        },
        onPart: () => {},
        onRefused: (status) => {
          this.refused.push(status);
          response.writeHead(status, { connection: 'close' }).end();
        },
        onBroken: () => {},
      });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get way(): WayToServer {
    const port = this.front ?? this.port;
    return {
      url: new URL(`ws://127.0.0.1:${port}/tunnel`),
      headers: { authorization: 'Bearer a-token-of-a-test' },
      memory: this.memory,
      connect: async () => {
        const socket = connect(port, '127.0.0.1').on('error', () => {});
        await new Promise((resolve) => socket.once('connect', resolve));
        return { socket, isPrivate: true };
      },
    };
  }

  async open(
    opening: HttpOpening,
  ): Promise<{ client: Transport; atClient: TransportLog; server: Transport; atServer: TransportLog }> {
    const before = this.accepted.length;
    const client = await openHttp(opening)(this.way, new AbortController().signal);
    const atClient = new TransportLog();
    client.receiver = atClient;
    await until(() => this.accepted.length > before);
    const { transport: server, receiver: atServer } = this.accepted[before] as (typeof this.accepted)[number];
    return { client, atClient, server, atServer };
  }

  async close(): Promise<void> {
    for (const { transport } of this.accepted) {
      transport.receiver = deafReceiver;
      transport.terminate();
    }
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
