import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { LimitOptions } from 'wsproxy-server';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { readyPort, scriptOf, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program } from 'wsproxy-test-support/programs/program';
import { askConnect, askSocks5, bySocks5, readToEnd } from 'wsproxy-test-support/sockets/application';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startClient, startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const HOST = '127.0.0.1';
const DESCRIPTORS = 64;

async function tunnelWith(limits: LimitOptions) {
  const hits: string[] = [];
  const tunnel = await startTunnel({ server: { limits, observer: { onLimit: (limit) => hits.push(limit) } } });
  return { ...tunnel, hits };
}

/** Closes, and comes back when the server has noticed. */
async function leave(socket: Socket, count: () => number): Promise<void> {
  const before = count();
  socket.resetAndDestroy();
  await until('the channel is over', () => count() < before);
}

describe('with the limits there are by default', () => {
  test('a thousand connections at once, and then hundreds one after the other, are all served', async () => {
    const echo = await listen((socket) => socket.pipe(socket));
    const { port, hits } = await tunnelWith({});
    const start = performance.now();
    const atOnce = await Promise.all(Array.from({ length: 1_000 }, () => askSocks5(port, HOST, echo.port)));
    const between = performance.now();
    expect(atOnce.filter(([reply]) => reply !== 0)).toEqual([]);
    for (const [, socket] of atOnce) socket.destroy();
    for (let i = 0; i < 500; i++) (await bySocks5(port, HOST, echo.port)).destroy();
    const rate = Math.round(500_000 / (performance.now() - between));
    expect(hits).not.toContain('failedDialsPerSecond');
    const waited = hits.filter((limit) => limit === 'pendingDials').length;
    console.log(`1000 at once in ${Math.round(between - start)} ms, 500 in turn at ${rate}/s, ${waited} waited`);
  });
});

describe('beyond a limit', () => {
  test.each<[string, LimitOptions]>([
    ['channelsPerSession', { channelsPerSession: 2 }],
    ['channels', { channels: 2 }],
    ['sockets', { sockets: 3 }],
  ])('of %s a connection is refused with 01 and 503, until another one ends', async (name, limits) => {
    const echo = await listen((socket) => socket.pipe(socket));
    const { port, server, hits } = await tunnelWith(limits);
    const [first, second] = [await bySocks5(port, HOST, echo.port), await bySocks5(port, HOST, echo.port)];
    expect((await askSocks5(port, HOST, echo.port))[0]).toBe(1);
    expect((await askConnect(port, HOST, echo.port))[0]).toBe(503);
    expect(hits).toEqual([name, name]);
    await leave(first, () => server.channelCount);
    await until('another one may come', async () => {
      const [reply, socket] = await askSocks5(port, HOST, echo.port);
      if (reply !== 0) return false;
      socket.destroy();
      return true;
    });
    second.destroy();
  });

  test('of pending dials, or of those under way that may fail, connections wait for their turn', async () => {
    const echo = await listen((socket) => socket.pipe(socket));
    const askSix = async (limits: LimitOptions): Promise<string[]> => {
      const hits: string[] = [];
      const onLimit = (limit: string) => hits.push(limit);
      // The first ones take so long that another one has to wait.
      const dialer = async ({ direct }: { direct: () => Promise<Duplex> }) => {
        await until('another one waits', () => hits.length > 0);
        return direct();
      };
      const { port } = await startTunnel({ server: { limits, dialer, observer: { onLimit } } });
      const replies = await Promise.all([1, 2, 3, 4, 5, 6].map(() => askSocks5(port, HOST, echo.port)));
      expect(replies.map(([reply]) => reply)).toEqual([0, 0, 0, 0, 0, 0]);
      for (const [, socket] of replies) socket.destroy();
      return [...new Set(hits)];
    };
    expect(await askSix({ pendingDials: 2 })).toEqual(['pendingDials']);
    expect(await askSix({ failedDialsBurst: 2, failedDialsPerSecond: 1 })).toEqual(['failedDialsPerSecond']);
  });
});

describe('a connection without progress', () => {
  test('is reset at both ends once one side has ended', async () => {
    const destinations: Socket[] = [];
    const silent = await listen((socket) => {
      destinations.push(socket.resume());
    });
    const { port, hits } = await tunnelWith({ halfClosedTimeout: 200 });
    const half = await bySocks5(port, HOST, silent.port);
    const whole = await bySocks5(port, HOST, silent.port);
    half.end('request');
    expect((await readToEnd(half)).by).toBe('reset');
    // Anyone who has read the end hears of a reset only by writing.
    await until('the destination is reset', () => {
      destinations[0]?.write('late');
      return destinations[0]?.destroyed === true;
    });
    expect(destinations[1]?.destroyed).toBe(false);
    expect(hits).toEqual(['halfClosedTimeout']);
    expect(whole.destroyed).toBe(false);
    whole.destroy();
  });

  test('is reset when it is idle, and another one that carries something is not', async () => {
    const echo = await listen((socket) => socket.pipe(socket));
    const { port, hits } = await tunnelWith({ idleTimeout: 400 });
    const [idle, busy] = [await bySocks5(port, HOST, echo.port), await bySocks5(port, HOST, echo.port)];
    const typing = setInterval(() => busy.write('x'), 50);
    atEnd(() => clearInterval(typing));
    busy.resume();
    expect((await readToEnd(idle)).by).toBe('reset');
    expect(hits).toEqual(['idleTimeout']);
    expect(busy.destroyed).toBe(false);
    busy.destroy();
  });
});

describe(`with ${DESCRIPTORS} descriptors`, () => {
  test('K10 512 clients at a time, ten rounds, are served or refused, and leave nothing', async () => {
    const echo = await listen((socket) => socket.pipe(socket));
    const flags = '--listen 127.0.0.1:0 --log-format json --allow-private --max-failed-dials-burst 100000';
    const program = new Program(
      'bash',
      ['-c', `ulimit -n ${DESCRIPTORS}; exec "$0" "$1" ${flags}`, process.execPath, scriptOf('wsproxy-server')],
      { env: { WSPROXY_TOKEN: TOKEN } },
    );
    const serverPort = await readyPort(program);
    const { port } = await startClient(serverPort);
    // Anything that is opened once and kept is there after the first connection.
    (await bySocks5(port, HOST, echo.port)).destroy();
    await until('the first connection is over', () => echo.sockets.size === 0);
    const descriptors = () => readdirSync(`/proc/${program.pid}/fd`).length;
    const base = descriptors();
    let [allServed, allRefused, allDropped] = [0, 0, 0];

    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(Array.from({ length: 512 }, () => askSocks5(port, HOST, echo.port)));
      const served = answers.filter(([reply]) => reply === 0).length;
      expect(answers.every(([reply]) => reply === 0 || reply === 1)).toBe(true);
      expect(served).toBeGreaterThan(0);
      expect(served).toBeLessThan(DESCRIPTORS);
      allServed += served;
      allRefused += answers.length - served;
      for (const [, socket] of answers) socket.destroy();
      await until('the descriptors are back', () => descriptors() <= base, 10_000);

      const strangers = Array.from({ length: 512 }, () => connect(serverPort, HOST).on('error', () => {}));
      atEnd(() => {
        for (const socket of strangers) socket.destroy();
      });
      const dropped = () => strangers.filter((socket) => socket.destroyed || socket.readableEnded).length;
      for (const socket of strangers) socket.resume();
      await until('those beyond the budget are dropped', () => dropped() > 512 - DESCRIPTORS, 10_000);
      allDropped += dropped();
      for (const socket of strangers) socket.destroy();
      await until('the descriptors are back', () => descriptors() <= base, 10_000);
    }
    const after = descriptors();
    (await bySocks5(port, HOST, echo.port)).destroy();
    expect(program.child.exitCode).toBe(null);
    const lines = program.stderr.split('\n').filter((line) => line.includes('a limit was reached'));
    expect(lines.length).toBeGreaterThan(0);
    // One for each wave, of 5 000 refusals.
    expect(lines.length).toBeLessThan(20);
    console.log(
      `ten rounds of 512: ${allServed} served, ${allRefused} refused with 01, ${allDropped} strangers closed, ` +
        `descriptors ${base} before and ${after} after, log lines of limits: ${lines.length}`,
    );
  });
});
