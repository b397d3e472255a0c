import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { start } from 'wsproxy-test-support/programs/command-line';
import { askSocks5 } from 'wsproxy-test-support/sockets/application';
import { type Answer, startNameserver } from 'wsproxy-test-support/sockets/nameserver';
import { startClient, startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const LOCAL: Answer = { records: [{ value: '127.0.0.1' }] };
/** ms; half of it is the promise, the rest what a busy machine may add. */
const LONGEST = 100;

/** How long a channel to `host` takes, ms. */
async function timeOf(port: number, host: string, hostPort: number): Promise<number> {
  const began = performance.now();
  const [reply, socket] = await askSocks5(port, host, hostPort);
  socket.destroy();
  expect(reply).toBe(0);
  return performance.now() - began;
}

describe('names', () => {
  test('H7 are not delayed by 200 dead ones of the same user', async () => {
    const echo = await startEcho();
    const answer = (name: string): Answer => (name.startsWith('dead') ? 'silence' : LOCAL);
    const nameserver = await startNameserver(answer);
    const { port } = await startTunnel({ server: { egress: { nameservers: [nameserver.address] } } });
    await timeOf(port, 'warm.test', echo.port);
    const dead = Array.from({ length: 200 }, (_, i) => askSocks5(port, `dead${i}.test`, 80));
    await until('all dead names are asked for', () => {
      return new Set(nameserver.questions.filter((name) => name.startsWith('dead'))).size === 200;
    });
    const times: number[] = [];
    for (let i = 0; i < 100; i++) times.push(await timeOf(port, `good${i}.test`, echo.port));
    times.sort((a, b) => a - b);
    console.log(
      `beside 200 dead names: median ${times[50]?.toFixed(1)} ms, longest of 100 ${times[99]?.toFixed(1)} ms`,
    );
    expect(times[99]).toBeLessThan(LONGEST);
    const replies = await Promise.all(dead);
    expect(new Set(replies.map(([reply]) => reply))).toEqual(new Set([4]));
  });

  test('H8 are found by a nameserver that takes 3 s', async () => {
    const echo = await startEcho();
    const nameserver = await startNameserver(() => ({ records: [{ value: '127.0.0.1' }], after: 3_000 }));
    const { port } = await startTunnel({ server: { egress: { nameservers: [nameserver.address] } } });
    expect(await timeOf(port, 'slow.test', echo.port)).toBeGreaterThan(2_900);
  });

  test('H6 are found by the second nameserver when the first fails', async () => {
    const echo = await startEcho();
    const broken = await startNameserver(() => 'SERVFAIL');
    const nameserver = await startNameserver(() => LOCAL);
    const nameservers = [broken.address, nameserver.address];
    const { port } = await startTunnel({ server: { egress: { nameservers } } });
    await timeOf(port, 'good.test', echo.port);
    expect(broken.questions).toContain('good.test');
  });

  test('H6 that are answered with garbage are not found, and end nothing', async () => {
    const nameserver = await startNameserver(() => 'garbage');
    const { port } = await startTunnel({ server: { egress: { nameservers: [nameserver.address] } } });
    const [reply] = await askSocks5(port, 'garbage.test', 80);
    expect(reply).toBe(4);
  });

  test('are asked of the servers of --dns, and no other', async () => {
    const echo = await startEcho();
    const nameserver = await startNameserver(() => LOCAL);
    const { port: serverPort } = await start('wsproxy-server', ['--allow-private', '--dns', nameserver.address]);
    const { port } = await startClient(serverPort);
    await timeOf(port, 'only-there.test', echo.port);
    expect(nameserver.questions).toContain('only-there.test');
  });
});
