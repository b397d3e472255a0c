import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Client, TunnelSocket } from 'wsproxy-client';
import type { Server } from 'wsproxy-server';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
const [, table = ''] = /### Beside net\.Socket\n([^]*?)\n###/.exec(page) ?? [];
/** The first column. */
const documented = table.split('\n').flatMap((line) => /^\| (?!of \||---)(.+?) \|/.exec(line)?.[1] ?? []);

interface Case {
  readonly client: Client;
  readonly server: Server;
  /** `net.Socket`, what it has at the other end, and the same through the tunnel. */
  readonly straight: Socket;
  readonly straightFar: Socket;
  readonly tunneled: TunnelSocket;
  readonly tunneledFar: Socket;
}

const [major = 0] = process.versions.node.split('.').map(Number);
const isOld = major < 24;

/** How it ends for somebody who reads. */
async function endOf(socket: Socket | TunnelSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.resume().once('end', () => resolve('end'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** Asserts what each row of the table says. */
const differences: Record<string, (sockets: Case) => Promise<void> | void> = {
  errors: async ({ straight, straightFar, tunneled, tunneledFar }) => {
    for (const far of [straightFar, tunneledFar]) far.resetAndDestroy();
    const [[a], [b]] = (await Promise.all([once(straight, 'error'), once(tunneled, 'error')])) as [[Error], [Error]];
    expect(a).toMatchObject({ code: 'ECONNRESET' });
    expect(b).toMatchObject({ name: 'TunnelError', code: 'CONNECTION_RESET' });
  },

  // The rest is seen in socket-connecting.test.ts.
  '`connect`': ({ tunneled }) => {
    expect(() => tunneled.connect('/run/a.sock')).toThrow(TypeError);
    expect(() => tunneled.connect(80)).toThrow(expect.objectContaining({ code: 'EISCONN' }));
  },

  '`destroy(error)`, or `destroy()` before every write was acknowledged': async (sockets) => {
    const ends = [endOf(sockets.straightFar), endOf(sockets.tunneledFar)];
    for (const socket of [sockets.straight, sockets.tunneled])
      socket.write('part', () => socket.destroy(new Error('x')));
    const [straight, tunneled] = await Promise.all(ends);
    expect(straight).toBe('end');
    expect(isOld ? ['end', 'ECONNRESET'] : ['ECONNRESET']).toContain(tunneled);
    expect(sockets.tunneledFar.bytesRead).toBe(4);
  },

  '`remoteAddress`, `remoteFamily`': async ({ client, straight, tunneled, tunneledFar }) => {
    const address = (socket: Socket | TunnelSocket) => [socket.remoteAddress, socket.remoteFamily, socket.remotePort];
    expect(address(tunneled)).toEqual(address(straight));
    const port = tunneledFar.localPort ?? 0;
    const named = await client.connect({ host: 'localhost', port });
    expect(address(named)).toEqual([undefined, undefined, port]);
    named.destroy();
    tunneled.destroy();
    expect(address(tunneled)).toEqual([undefined, undefined, undefined]);
  },

  '`localAddress`, `localPort`, `localFamily`, `address()`': ({ tunneled }) => {
    const { localAddress, localPort, localFamily } = tunneled;
    expect([localAddress, localPort, localFamily, tunneled.address()]).toEqual([undefined, undefined, undefined, {}]);
  },

  '`setNoDelay`, `setKeepAlive`': ({ tunneled }) => {
    expect(tunneled.setNoDelay().setKeepAlive()).toBe(tunneled);
  },

  'what the destination writes behind `destroy()`': async ({ straight, straightFar, tunneled, tunneledFar }) => {
    const fars = [straightFar, tunneledFar].map((far) => far.on('error', () => {}));
    const ends = fars.map((far) => endOf(far));
    for (const socket of [straight, tunneled]) socket.destroy();
    expect(await Promise.all(ends)).toEqual(['end', 'end']);
    for (const far of fars) far.write('x');
    await until('both are told', () => {
      for (const far of fars) if (!far.destroyed) far.write('x');
      return fars.every(({ errored }) => errored !== null);
    });
    const told = fars.map(({ errored }) => (errored as NodeJS.ErrnoException).code);
    for (const code of told) expect(['EPIPE', 'ECONNRESET']).toContain(code);
  },

  "a reset behind the destination's end": async ({ straight, straightFar, tunneled, tunneledFar }) => {
    for (const socket of [straight, tunneled, straightFar, tunneledFar]) socket.resume();
    for (const far of [straightFar, tunneledFar]) far.end();
    await Promise.all([once(straight, 'end'), once(tunneled, 'end')]);
    for (const far of [straightFar, tunneledFar]) far.resetAndDestroy();
    const [error] = (await once(tunneled, 'error')) as [Error];
    expect(error).toMatchObject({ code: 'CONNECTION_RESET' });
    expect(straight.destroyed).toBe(false);
    const failed = once(straight, 'error');
    straight.write('x');
    expect(await failed).toMatchObject([{ code: 'EPIPE' }]);
  },

  'a reset while it is paused': async (sockets) => {
    const { client, server, straight, straightFar, tunneled, tunneledFar } = sockets;
    const other = await makeSockets();
    const { port } = await listen((socket) => socket.resume());
    const nears = [straight, tunneled, other.tunneled];
    const fars = [straightFar, tunneledFar, other.tunneledFar];
    for (const socket of nears) socket.pause();
    const [toStraight, toTunneled] = [straight, tunneled].map((socket) => {
      const read: string[] = [];
      socket.on('data', (bytes: Buffer) => read.push(String(bytes)));
      return read;
    });
    for (const far of fars) far.write('part');
    await until('all have it', () => nears.every(({ readableLength }) => readableLength === 4));
    const failed = once(straight, 'error');
    for (const far of fars) far.resetAndDestroy();
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);

    // It lives at the client until it is read.
    await until('both servers have told', () => [server, other.server].every(({ channelCount }) => channelCount === 0));
    for (const one of [client, other.client]) (await one.connect({ host: '127.0.0.1', port })).destroy();
    expect([tunneled.errored, other.tunneled.errored]).toEqual([null, null]);
    const told = [tunneled, other.tunneled].map((socket) => once(socket, 'error'));
    for (const socket of [straight, tunneled]) socket.resume();
    other.tunneled.write('x');
    for (const error of await Promise.all(told)) expect(error).toMatchObject([{ code: 'CONNECTION_RESET' }]);
    expect([toStraight, toTunneled]).toEqual([[], ['part']]);
  },

  'an error that a `data` listener throws while the socket flows': async ({
    straight,
    straightFar,
    tunneled,
    tunneledFar,
  }) => {
    const thrown = new Error('of a listener');
    const [uncaught, errors]: [unknown[], unknown[]] = [[], []];
    // What the test runner would take for a fault of the test.
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').once('uncaughtException', (error) => {
      for (const other of others) process.on('uncaughtException', other);
      uncaught.push(error);
    });
    for (const socket of [straight, tunneled]) {
      socket
        .on('error', (error) => errors.push(error))
        .on('data', () => {
          throw thrown;
        });
    }
    // They flow from the next turn on.
    await new Promise(setImmediate);
    for (const far of [straightFar, tunneledFar]) far.write('x');
    await until('both have thrown', () => uncaught.length + errors.length === 2);
    expect([uncaught, errors, tunneled.destroyed]).toEqual([[thrown], [thrown], true]);
  },

  'a reset that comes with data': async ({ straight, straightFar, tunneled, tunneledFar }) => {
    const ends = [endOf(straight), endOf(tunneled)];
    for (const far of [straightFar, tunneledFar]) {
      far.write(Buffer.alloc(20_000));
      far.resetAndDestroy();
    }
    expect(await Promise.all(ends)).toEqual([isOld ? 'end' : 'ECONNRESET', 'CONNECTION_RESET']);
  },

  '`process.exit()`, `client.close()`': async ({ client, tunneled, tunneledFar }) => {
    tunneledFar.resume();
    tunneled.end(Buffer.alloc(10_000));
    // What is to be waited for before.
    await until('it has gone', () => tunneled.writableFinished);
    tunneled.destroy();
    await client.whenIdle();
    await client.close({ drain: 10_000 });
    await until('everything has arrived', () => tunneledFar.bytesRead === 10_000);
  },

  // What becomes of a program is seen in process-end.test.ts.
  '`unref()`': ({ tunneled }) => {
    expect(tunneled.unref().ref()).toBe(tunneled);
  },
};

async function makeSockets(): Promise<Case> {
  const { client, server } = await startTunnel();
  const accepted: Socket[] = [];
  const { port } = await listen((socket) => accepted.push(socket));
  const straight = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
  await until('the first is accepted', () => accepted.length === 1);
  const tunneled = await client.connect({ host: '127.0.0.1', port }, { allowHalfOpen: true });
  tunneled.on('error', () => {});
  await until('the second is accepted', () => accepted.length === 2);
  const [straightFar, tunneledFar] = accepted as [Socket, Socket];
  atEnd(() => {
    for (const socket of [straight, tunneled]) socket.destroy();
  });
  return { client, server, straight, straightFar, tunneled, tunneledFar };
}

describe('what differs from net.Socket', () => {
  test('stands in docs/api.md, and nothing else does', () => {
    expect(documented).toEqual(Object.keys(differences));
  });

  test.each(Object.entries(differences))('%s', async (_row, assert) => assert(await makeSockets()));
});

test('the time-out of a socket does not come while one large write moves', async () => {
  const { client } = await startTunnel();
  // Takes a little at a time, and never lets the connection rest for long.
  const { port } = await listen((socket) => {
    socket.pause();
    const timer = setInterval(() => socket.read(200_000), 10);
    socket.once('close', () => clearInterval(timer));
  });
  const socket = await client.connect({ host: '127.0.0.1', port });
  let fired = 0;
  const silence = 1_500;
  socket.setTimeout(silence, () => {
    fired += 1;
  });
  const start = performance.now();
  // Larger than all the memory on the way, so that it lasts.
  const isWritten = new Promise<void>((resolve) => socket.write(Buffer.alloc(120_000_000), () => resolve()));
  await isWritten;
  expect(performance.now() - start).toBeGreaterThan(2 * silence);
  expect(fired).toBe(0);
  socket.destroy();
});
