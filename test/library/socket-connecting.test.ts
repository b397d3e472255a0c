import { once } from 'node:events';
import { connect, Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { TunnelError, type TunnelSocket } from 'wsproxy-client';
import { startUnresponsive } from 'wsproxy-test-support/destinations/unresponsive';
import { freePort, listen } from 'wsproxy-test-support/sockets/listen';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import type { AnySocket, TwinOptions } from './socket-twins.js';

const HOST = '127.0.0.1';

type Property = keyof Socket & keyof TunnelSocket & string;

/** What a program can ask a socket at any time, and may compare: about both its halves, the one or the other. */
const PROPERTIES = {
  both: ['connecting', 'pending', 'destroyed', 'timeout', 'allowHalfOpen'],
  reading: ['readable', 'readableEnded', 'bytesRead'],
  writing: ['writable', 'writableEnded', 'writableFinished', 'writableLength', 'bytesWritten'],
  address: ['remoteAddress', 'remoteFamily', 'remotePort', 'readyState'],
} as const satisfies Record<string, readonly Property[]>;

/** What happens to a socket, by the half it happens to: which half is faster is a matter of the network. */
const EVENTS = {
  both: ['connect', 'ready', 'timeout', 'error', 'close'],
  reading: ['data', 'end'],
  writing: ['finish', 'drain'],
} as const;

interface Log {
  readonly reading: string[];
  readonly writing: string[];
}

function add(log: Log, line: string): void {
  log.reading.push(line);
  log.writing.push(line);
}

function ask(socket: AnySocket, names: readonly Property[]): string {
  return names.map((name) => `${name}=${String(socket[name])}`).join(' ');
}

/** All that a socket says of itself while it connects. */
function stateOf(socket: AnySocket): string {
  return ask(socket, Object.values(PROPERTIES).flat());
}

/** Writes every event into a log, in its order, with what the socket says of itself then. */
function follow(socket: AnySocket, log: Log): void {
  const { both, reading, writing } = PROPERTIES;
  for (const event of EVENTS.both) {
    socket.on(event, (value?: NodeJS.ErrnoException | boolean) => {
      const said = value instanceof Error ? `${value.syscall} ${value.code}` : String(value);
      const isNew = event === 'connect' || event === 'ready';
      // Of a socket that is gone `net.Socket` still knows what it had been asked before.
      add(log, `${event} ${said} ${isNew && !socket.destroyed ? stateOf(socket) : ask(socket, both)}`);
    });
  }
  for (const event of EVENTS.reading) {
    socket.on(event, (data?: unknown) => log.reading.push(`${event} ${String(data)} ${ask(socket, reading)}`));
  }
  for (const event of EVENTS.writing) socket.on(event, () => log.writing.push(`${event} ${ask(socket, writing)}`));
}

interface Place {
  /** Where somebody speaks first, and hangs up; and where nobody says anything. */
  readonly port: number;
  readonly silent: number;
  readonly log: Log;
}

/** Does something with a socket that was not connected yet; done when it is closed. */
type Use = (socket: AnySocket, place: Place) => unknown;

const USES: Record<string, Use> = {
  'connect, and nothing else': (socket, { port }) => socket.connect(port, HOST),
  'a listener of connect': (socket, { port, log }) =>
    socket.connect(port, HOST, () => add(log, `listener ${stateOf(socket)}`)),
  'an object, with a listener': (socket, { port, log }) =>
    socket.connect({ port, host: HOST }, () => add(log, 'listener')),
  'a port as text': (socket, { port }) => socket.connect(String(port) as never, HOST),
  'settings before it connects': (socket, { port }) =>
    socket.setNoDelay(true).setKeepAlive(true, 1_000).unref().ref().setTimeout(60_000).connect(port, HOST),
  'settings while it connects': (socket, { port }) =>
    socket.connect(port, HOST).setNoDelay(true).setKeepAlive(true, 1_000).unref().ref().setTimeout(60_000),
  'writes while it connects': (socket, { port, log }) => {
    socket.connect(port, HOST);
    socket.write('one', () => log.writing.push(`wrote ${ask(socket, PROPERTIES.writing)}`));
    socket.write('two');
    add(log, stateOf(socket));
  },
  'ends while it connects': (socket, { port, log }) => {
    socket.connect(port, HOST).end('all', () => log.writing.push('ended'));
    add(log, stateOf(socket));
  },
  'ends without a word while it connects': (socket, { port }) => socket.connect(port, HOST).end(),
  'destroyed while it connects': (socket, { port, log }) => {
    socket.connect(port, HOST).destroy();
    add(log, stateOf(socket));
  },
  'destroyed with an error while it connects': (socket, { port }) =>
    socket.connect(port, HOST).destroy(Object.assign(new Error('enough'), { code: 'ENOUGH' })),
  'destroyed soon while it connects': (socket, { silent }) => {
    socket.connect(silent, HOST).write('last');
    socket.destroySoon();
  },
  'destroyed when it is connected': (socket, { port }) => socket.connect(port, HOST, () => socket.destroy()),
  'reset when it is connected': (socket, { port }) => socket.connect(port, HOST, () => socket.resetAndDestroy()),
  'paused while it connects': (socket, { port, log }) => {
    socket.pause().connect(port, HOST, () => {
      add(log, `paused ${socket.isPaused()}`);
      socket.resume();
    });
  },
  'writes in the listener of connect': (socket, { port }) => socket.connect(port, HOST, () => socket.end('hello')),
  'asks for its state at once': (socket, { port, log }) => {
    add(log, stateOf(socket));
    socket.connect(port, HOST);
    add(log, stateOf(socket));
  },
  'writes before it connects': (socket, { log }) =>
    socket.write('early', (error) => log.writing.push(`wrote ${(error as NodeJS.ErrnoException).code}`)),
  'is destroyed before it connects': (socket) => socket.destroy(),
  'connects to a port where nobody listens': async (socket) => socket.connect(await freePort(), HOST),
  'writes to a port where nobody listens': async (socket) => {
    socket.connect(await freePort(), HOST);
    socket.write('for nobody');
  },
  'a time-out while it connects': async (socket) => {
    const port = await startUnresponsive();
    socket.setTimeout(50, () => socket.destroy());
    socket.connect(port, HOST);
  },
};

async function runTwice(use: Use, options: TwinOptions): Promise<Log[]> {
  const { client } = await startTunnel();
  const { port } = await listen((socket) => {
    socket.on('error', () => {});
    socket.resume().end('welcome');
  });
  const { port: silent } = await listen((socket) => void socket.on('error', () => {}).resume());
  const logs: Log[] = [];
  for (const socket of [new Socket(options), client.socket(options)]) {
    const log: Log = { reading: [], writing: [] };
    follow(socket, log);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await use(socket, { port, silent, log });
    await until('it is closed', () => {
      // With `allowHalfOpen` it is the program that ends.
      if (options.allowHalfOpen === true && socket.readableEnded && !socket.writableEnded) socket.end();
      return socket.closed;
    });
    await closed;
    logs.push(log);
  }
  return logs;
}

describe.each([false, true])('client.socket() is as new net.Socket(), allowHalfOpen %s:', (allowHalfOpen) => {
  test.each(Object.entries(USES))('%s', async (_name, use) => {
    const [straight, tunneled] = await runTwice(use, { allowHalfOpen });
    expect(tunneled).toEqual(straight);
    expect(straight?.writing.length).toBeGreaterThan(0);
  });
});

describe('client.socket()', () => {
  test('has every public property of net.Socket', async () => {
    const { client } = await startTunnel();
    const socket = client.socket();
    const names = [...Object.getOwnPropertyNames(Socket.prototype), ...Object.keys(new Socket())];
    const missing = names.filter((name) => !name.startsWith('_') && !(name in socket));
    // Of sockets that a server has accepted; of later versions of Node.
    expect(missing.filter((name) => name !== 'server' && !/TypeOfService|TOS/.test(name))).toEqual([]);
    socket.destroy();
  });

  test('fails as a socket of the system, and says why the tunnel has', async () => {
    const { client } = await startTunnel({ server: { deny: ['10.0.0.0/8'] } });
    const fail = async (host: string, port: number): Promise<NodeJS.ErrnoException> => {
      const [error] = (await once(client.socket().connect(port, host), 'error')) as [NodeJS.ErrnoException];
      return error;
    };
    const port = await freePort();
    const refused = await fail(HOST, port);
    expect(refused).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect', address: HOST, port });
    expect(refused.message).toBe(`connect ECONNREFUSED 127.0.0.1:${port}: connection refused`);
    expect(refused.cause).toBeInstanceOf(TunnelError);
    expect(refused.cause).toMatchObject({ code: 'CONNECTION_REFUSED' });
    expect(await fail('10.0.0.1', 1)).toMatchObject({ code: 'EACCES', cause: { code: 'DENIED' } });
    expect(await fail('no-such-name.invalid', 1)).toMatchObject({
      syscall: 'getaddrinfo',
      hostname: 'no-such-name.invalid',
    });
    // Anything that a socket of the system tells of the same, but for the number of the error.
    const [direct] = (await once(connect(port, HOST), 'error')) as [NodeJS.ErrnoException];
    const { errno: _, ...told } = direct;
    expect(refused).toMatchObject(told);
  });

  test.each<[string, unknown[]]>([
    ['a path', ['/run/a.sock']],
    ['port 0', [0, HOST]],
    ['port 65536', [65_536, HOST]],
    ['no port', [{ host: HOST }]],
    ['a host that is none', [80, 'a b']],
  ])('takes no %s', async (_name, args) => {
    const { client } = await startTunnel();
    const socket = client.socket();
    expect(() => socket.connect(...(args as [number, string]))).toThrow(/^expected a port and a host: /);
    expect([socket.connecting, client.channelCount]).toEqual([false, 0]);
    socket.destroy();
  });

  test('connects to localhost, as the server sees it, unless told otherwise', async () => {
    const { client } = await startTunnel();
    const { port } = await listen((socket) => socket.end('here'));
    const socket = client.socket().connect(port);
    expect(String((await once(socket, 'data'))[0])).toBe('here');
    await once(socket, 'close');
  });

  test('connects once: another connection is another socket', async () => {
    const { client } = await startTunnel();
    const { port } = await listen((socket) => socket.end());
    const socket = client.socket().connect(port, HOST);
    expect(() => socket.connect(port, HOST)).toThrow(expect.objectContaining({ code: 'EISCONN' }));
    await once(socket.resume(), 'close');
    expect(() => socket.connect(port, HOST)).toThrow(expect.objectContaining({ code: 'EISCONN' }));
  });

  test('gives up its dial when it is destroyed', async () => {
    const [{ client, server }, port] = [await startTunnel(), await startUnresponsive()];
    const socket = client.socket().connect(port, HOST);
    await until('the server dials', () => server.channelCount === 1);
    socket.destroy();
    await until('the server has given up', () => server.channelCount === 0);
  });
});
