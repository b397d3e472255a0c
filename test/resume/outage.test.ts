import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { KeystreamChecker, keystreamReadable } from 'wsproxy-test-support/keystream';
import { startRelayedTunnel } from 'wsproxy-test-support/relayed-tunnel';
import { askSocks5, bySocks5, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { until } from 'wsproxy-test-support/until';

const GRACE = 2_000;
const CHANNELS = 10;
/** How long after the return of the path a new request may still fail, ms. */
const BACK_IN = 3_000;

describe('an outage longer than the grace', () => {
  async function lose() {
    const [tunnel, echo] = await Promise.all([
      startRelayedTunnel({ server: { grace: GRACE }, client: { grace: GRACE } }),
      startEcho(),
    ]);
    const endings = { end: 0, reset: 0 };
    for (let n = 0; n < CHANNELS; n++) {
      const socket = await bySocks5(tunnel.port, '127.0.0.1', echo.port);
      socket.write('hello');
      await readBytes(socket, 5);
      void readToEnd(socket).then(({ by }) => {
        endings[by] += 1;
      });
    }
    const lostAt = performance.now();
    await tunnel.relay.stop();
    const ask = () => askSocks5(tunnel.port, '127.0.0.1', echo.port);
    return { ...tunnel, echo, endings, lostAt, ask };
  }

  test('J4 resets every channel once, at both ends, and not before', async () => {
    const { endings, lostAt, echo, server, client } = await lose();
    await until('every application has been reset', () => endings.reset === CHANNELS);
    expect(performance.now() - lostAt).toBeGreaterThan(GRACE * 0.9);
    expect(performance.now() - lostAt).toBeLessThan(GRACE * 2);
    await until('every destination is rid of its connection', () => echo.sockets.size === 0);
    await until('nothing is left', () => client.channelCount + server.channelCount + server.sessionCount === 0);
    expect(endings).toEqual({ end: 0, reset: CHANNELS });
  });

  test('does not keep a new request from being served within 3 s of its end', async () => {
    const { endings, relay, ask } = await lose();
    await until('every application has been reset', () => endings.reset === CHANNELS);
    await relay.start();
    const back = performance.now();
    const [reply, socket] = await ask();
    expect(reply).toBe(0);
    expect(performance.now() - back).toBeLessThan(BACK_IN);
    socket.write('hello');
    expect((await readBytes(socket, 5)).toString()).toBe('hello');
    socket.destroy();
    expect(endings).toEqual({ end: 0, reset: CHANNELS });
  });

  test('keeps requests waiting that come during it, and serves them when it ends in time', async () => {
    const { endings, relay, client, ask } = await lose();
    await until('every application has been reset', () => endings.reset === CHANNELS);
    const asked = ask();
    await until('the request waits', () => client.channelCount === 1);
    await relay.start();
    const back = performance.now();
    const [reply, socket] = await asked;
    expect([reply, performance.now() - back < BACK_IN]).toEqual([0, true]);
    socket.destroy();
  });
});

describe('while the tunnel is down, senders at full speed', () => {
  const MIB = 1024 * 1024;
  const LENGTH = 128 * MIB;
  /** The replay buffers of both ends (16 MiB each), and what sockets and channels have in hand. */
  const BOUND = 2 * 16 * MIB + 8 * MIB;
  const OUTAGE = 6_000;
  /** Beyond the outage, the longest pause between two tries. */
  const LONGER = OUTAGE + 7_000;

  test('cost no more memory than the replay buffers, and lose nothing', async () => {
    const received = new KeystreamChecker('up');
    const [{ relay, port, client, server }, source, sink] = await Promise.all([
      startRelayedTunnel({ server: { grace: LONGER }, client: { grace: LONGER } }),
      startSource('down', LENGTH),
      listen((socket) => {
        void readToEnd(socket, (chunk) => received.push(chunk)).then(({ by }) => socket.end(by));
      }),
    ]);
    const checker = new KeystreamChecker('down');
    const [downloading, uploading] = await Promise.all([
      bySocks5(port, '127.0.0.1', source.port),
      bySocks5(port, '127.0.0.1', sink.port),
    ]);
    const before = heldMemory();
    const downloaded = readToEnd(downloading, (chunk) => checker.push(chunk));
    let answer = '';
    const answered = readToEnd(uploading, (chunk) => {
      answer += chunk.toString();
    });
    keystreamReadable('up', LENGTH).pipe(uploading);
    await until('both are under way', () => Math.min(checker.length, received.length) > 4 * MIB, 20_000);

    await relay.stop();
    const lostAt = performance.now();
    const held: number[] = [];
    // Collecting garbage again and again makes what follows slow.
    for (const share of [0.1, 0.5, 1]) {
      await until('it lasts', () => performance.now() - lostAt > share * OUTAGE, OUTAGE);
      held.push(heldMemory() - before);
    }
    expect(checker.length).toBeLessThan(LENGTH);
    expect(received.length).toBeLessThan(LENGTH);
    expect([client.channelCount, server.channelCount]).toEqual([2, 2]);
    await relay.start();

    expect(await downloaded).toEqual({ bytes: LENGTH, by: 'end' });
    downloading.end();
    await answered;
    expect([answer, received.length]).toEqual(['end', LENGTH]);
    console.log(
      `held while down, at both ends together: ${held.map((bytes) => (bytes / MIB).toFixed(1)).join(', ')} MiB`,
    );
    expect(Math.max(...held)).toBeLessThan(BOUND);
  });
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes in buffers of this process that are still reachable: the applications and destinations hold hardly any. */
function heldMemory(): number {
  // What the first one finds may be given back only by the second.
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}
