import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { type Client, TunnelError, type TunnelSocket } from 'wsproxy-client';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { until } from 'wsproxy-test-support/until';

/** What both kinds of sockets have, as a program uses it. */
export type AnySocket = Socket | TunnelSocket;

/** The same connection twice, straight and through a tunnel: what is done to one is done to the other. */
export interface Twins {
  readonly straight: Ends;
  readonly tunneled: Ends;
}

/** Both ends of a connection, and what has become of them. */
export interface Ends {
  readonly application: AnySocket;
  readonly destination: Socket;
  /** Everything that is to be the same at both. */
  record(): ConnectionRecord;
}

export interface ConnectionRecord {
  readonly application: EndRecord;
  readonly destination: EndRecord;
}

interface EndRecord {
  /** Events and callbacks in their order. */
  readonly log: readonly string[];
  readonly received: string;
  readonly state: Readonly<Record<string, unknown>>;
}

export interface TwinOptions {
  readonly allowHalfOpen?: boolean;
  /** How the client is asked for the tunneled one. Default: `connect`. */
  readonly by?: 'connect' | 'socket';
}

/** Makes twins, as often as it is called; all their connections are gone when the test ends. */
export async function twinMaker(client: Client): Promise<(options?: TwinOptions) => Promise<Twins>> {
  const make = await pairMaker(client);
  return async (options) => {
    const { straight, tunneled } = await make(options);
    return { straight: observeEnds(...straight), tunneled: observeEnds(...tunneled) };
  };
}

/** The two ends of a connection. */
export type Pair = readonly [application: AnySocket, destination: Socket];

/** The same, and nobody listens to them yet. */
export async function pairMaker(
  client: Client,
): Promise<(options?: TwinOptions) => Promise<{ straight: Pair; tunneled: Pair }>> {
  const waiting: ((socket: Socket) => void)[] = [];
  const { port } = await listen((socket) => waiting.shift()?.(socket));
  const ends = (opening: Promise<AnySocket>): Promise<Pair> => {
    const far = new Promise<Socket>((resolve) => waiting.push(resolve));
    return Promise.all([opening, far]);
  };
  const make = async ({ by, ...options }: TwinOptions): Promise<{ straight: Pair; tunneled: Pair }> => {
    const direct = connect({ port, host: '127.0.0.1', ...options });
    const straight = await ends(once(direct, 'connect').then(() => direct));
    const tunneled = await ends(
      by === 'socket' ? connected(client.socket(options), port) : client.connect({ port, host: '127.0.0.1' }, options),
    );
    return { straight, tunneled };
  };
  // One after the other, so that it is known which connection is whose.
  let last: Promise<unknown> = Promise.resolve();
  return (options = {}) => {
    const twins = last.then(() => make(options));
    last = twins;
    return twins;
  };
}

async function connected(socket: TunnelSocket, port: number): Promise<TunnelSocket> {
  await once(socket.connect(port, '127.0.0.1'), 'connect');
  return socket;
}

/** Does the same to both, and waits until both have come to the same, and nothing moves any more. */
export async function both(twins: Twins, what: string, act: (ends: Ends) => void): Promise<ConnectionRecord> {
  act(twins.straight);
  act(twins.tunneled);
  return agree(twins, what);
}

/** So many looks without a change: nothing is under way any more. */
const STILL = 12;

export async function agree({ straight, tunneled }: Twins, what: string): Promise<ConnectionRecord> {
  let [before, same] = [straight.record(), 0];
  const isDone = (): boolean => {
    const now = straight.record();
    same = isDeepStrictEqual(now, before) && isDeepStrictEqual(now, tunneled.record()) ? same + 1 : 0;
    before = now;
    return same >= STILL;
  };
  await until(what, isDone, 3_000).catch((error: unknown) => {
    throw new Error(`${what}: ${difference(straight.record(), tunneled.record())}`, { cause: error });
  });
  return before;
}

function observeEnds(application: AnySocket, destination: Socket): Ends {
  const [near, far] = [observe(application), observe(destination)];
  const record = (): ConnectionRecord => ({
    application: { ...near(), state: stateOf(application) },
    destination: { ...far(), state: {} },
  });
  return { application, destination, record };
}

const logs = new WeakMap<AnySocket, string[]>();

/** Adds a line to what is compared of this end. */
export function note(socket: AnySocket, line: string): void {
  logs.get(socket)?.push(line);
}

function observe(socket: AnySocket): () => Omit<EndRecord, 'state'> {
  const log: string[] = [];
  logs.set(socket, log);
  const hash = createHash('sha256');
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  for (const event of ['end', 'finish', 'timeout', 'drain']) socket.on(event, () => log.push(event));
  socket.on('close', (hadError: boolean) => log.push(`close ${hadError}`));
  socket.on('error', (error) => log.push(`error ${codeOf(error)}`));
  return () => ({ log: [...log], received: `${bytes} ${hash.copy().digest('hex')}` });
}

/** A failure of a tunnel as the system would say it. */
export function codeOf(error: Error & { code?: string }): string {
  if (error instanceof TunnelError) return error.code === 'CONNECTION_RESET' ? 'ECONNRESET' : error.code;
  return error.code ?? error.message;
}

function stateOf(socket: AnySocket): Record<string, unknown> {
  return {
    readyState: socket.readyState,
    destroyed: socket.destroyed,
    connecting: socket.connecting,
    pending: socket.pending,
    closed: socket.closed,
    errored: socket.errored === null ? null : codeOf(socket.errored),
    readable: socket.readable,
    writable: socket.writable,
    readableEnded: socket.readableEnded,
    writableEnded: socket.writableEnded,
    writableFinished: socket.writableFinished,
    writableLength: socket.writableLength,
    writableHighWaterMark: socket.writableHighWaterMark,
    readableHighWaterMark: socket.readableHighWaterMark,
    writableNeedDrain: socket.writableNeedDrain,
    allowHalfOpen: socket.allowHalfOpen,
    isPaused: socket.isPaused(),
    bytesRead: socket.bytesRead,
    bytesWritten: socket.bytesWritten,
    timeout: socket.timeout,
  };
}

/** What is not the same, one line each. */
function difference(straight: ConnectionRecord, tunneled: ConnectionRecord): string {
  const lines = (record: ConnectionRecord): Map<string, string> =>
    new Map(
      Object.entries(record).flatMap(([end, { log, received, state }]) =>
        Object.entries({ log, received, ...state }).map(([name, value]) => [`${end}.${name}`, JSON.stringify(value)]),
      ),
    );
  const other = lines(tunneled);
  return [...lines(straight)]
    .filter(([name, value]) => other.get(name) !== value)
    .map(([name, value]) => `\n  ${name}: ${value}, tunneled ${other.get(name)}`)
    .join('');
}
