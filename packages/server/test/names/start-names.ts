import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { resolveLimits } from '../../src/limits/limits.js';
import type { NameKind } from '../../src/names/name-directory.js';
import type { NameLimits } from '../../src/names/name-limits.js';
import { NamePort } from '../../src/names/name-port.js';
import type { OtherNames } from '../../src/names/names-elsewhere.js';
import type { Exclusives } from '../../src/store/exclusives.js';
import type { FakeOwner } from './fake-owner.js';

interface PortOptions {
  /** The address of a proxy that is. */
  readonly trusted?: string;
  readonly places?: number;
  /** What it shares with others. */
  readonly exclusives?: Exclusives | undefined;
  /** Where others have names. */
  readonly elsewhere?: OtherNames;
}

/** A port for names that listens, who holds them, and what it has run into. */
export async function startNames(
  limits: Partial<NameLimits> = {},
  { trusted, places = 100, exclusives, elsewhere }: PortOptions = {},
) {
  const hits: string[] = [];
  const port = new NamePort({
    guard: {
      hit: (limit) => hits.push(limit),
      takeStranger: () => true,
      leaveStranger() {},
      limits: resolveLimits(),
    },
    isTrusted: (address) => address === trusted,
    exclusives: () => exclusives,
    elsewhere: () => elsewhere,
    limits,
    places,
  });
  atEnd(() => port.close());
  const address = await port.listen({ host: '127.0.0.1', port: 0 });
  const hold = (kind: NameKind, host: string, owner: FakeOwner) => port.hold(kind, host, owner);
  return {
    hold,
    hits,
    port: address?.port ?? 0,
    close: () => port.close(),
    settled: (time: number, patience?: number) => port.settled(time, patience),
  };
}

type OnRequest = (...args: Parameters<RequestListener>) => unknown;

/** A service of HTTP; its port, and the connections that it has had. */
export async function startService(onRequest: OnRequest): Promise<{ port: number; server: Server; sockets: Socket[] }> {
  const server = createServer((incoming, response) => void onRequest(incoming, response));
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  atEnd(() => {
    server.close();
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
  });
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, server, sockets };
}

/** A connection to `port`, and how to read what it brings. */
export async function openSocket(port: number): Promise<Wire> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  atEnd(() => socket.destroy());
  await once(socket, 'connect');
  return new Wire(socket);
}

export class Wire {
  readonly socket: Socket;
  text = '';
  /** How it ended: `end`, or the code of the error. */
  readonly over: Promise<string>;
  #onText: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    this.over = new Promise((resolve) => {
      socket.once('end', () => resolve('end')).once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? ''));
    });
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.text += text;
      this.#onText();
    });
    void this.over.then(() => this.#onText());
  }

  /** Waits until all of what was brought matches, and returns the match. */
  async read(pattern: RegExp): Promise<RegExpExecArray> {
    let isOver = false;
    void this.over.then(() => {
      isOver = true;
    });
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      if (isOver) throw new Error(`over, and no ${pattern} in ${JSON.stringify(this.text)}`);
      await new Promise<void>((resolve) => {
        this.#onText = resolve;
      });
    }
  }
}

/** Sends `request` as it is, and returns all that is answered until the connection ends. */
export async function ask(port: number, request: string): Promise<string> {
  const wire = await openSocket(port);
  wire.socket.write(request, 'latin1');
  await wire.over;
  return wire.text;
}

/** A request for `host` that ends its connection, with `fields` as lines. */
export function getOf(host: string, fields = ''): string {
  return `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${fields}\r\n`;
}

/** All that it brings, be it cut or not. */
export async function bodyOf(message: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of message) text += String(chunk);
  } catch {
    // It was cut.
  }
  return text;
}
