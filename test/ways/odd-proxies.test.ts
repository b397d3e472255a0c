import { describe, expect, test } from 'vitest';
import { type Oddness, startOddProxy } from 'wsproxy-test-support/sockets/odd-proxy';
import { startClient, startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { expectCarried } from './carries.js';

const SIZE = 4 * 1024 * 1024;
/** How long a client may take to find its way, ms. */
const FOUND_WITHIN = 3_000;

async function startBehind(oddness: Oddness, serverOptions = {}) {
  const { server, port: serverPort } = await startServer(serverOptions);
  const proxy = await startOddProxy(serverPort, oddness);
  const lines: { message: string; fields: Record<string, unknown> }[] = [];
  const log = (fields: object, message: string): void => {
    lines.push({ message, fields: { ...fields } });
  };
  const logger = { debug: log, info: log, warn: log, error: log };
  const began = performance.now();
  const client = await startClient(proxy.port, { logger });
  return { server, proxy, lines, foundIn: performance.now() - began, ...client };
}

/** What `connected to the server` says of the way. */
function waysIn(lines: readonly { message: string; fields: Record<string, unknown> }[]): unknown[] {
  return lines.filter(({ message }) => message === 'connected to the server').map(({ fields }) => fields['way']);
}

describe('auto, through a proxy that passes no WebSocket on', () => {
  test.each<[string, Oddness, string]>([
    ['and is fine otherwise', {}, 'HTTP'],
    ['and holds bodies until they are whole', { holdsBodies: true }, 'HTTP'],
    ['and holds answers until they are whole', { holdsAnswers: true }, 'HTTP polling'],
    ['and holds both until they are whole', { holdsAnswers: true, holdsBodies: true }, 'HTTP polling'],
    ['and takes bodies of 64 KiB alone', { holdsBodies: true, largestBody: 65_536 }, 'HTTP'],
  ])('%s, finds its way within 3 s, and carries', async (_, oddness, way) => {
    const { port, lines, foundIn } = await startBehind(oddness);
    expect(foundIn).toBeLessThan(FOUND_WITHIN);
    expect(waysIn(lines)).toEqual([way]);
    await expectCarried(port, SIZE);
  });

  test('says which way it has chosen, and why', async () => {
    const { lines } = await startBehind({});
    const chosen = lines.find(({ message }) => message === 'chose a way to the server');
    expect(chosen?.fields).toEqual({ way: 'HTTP', reason: 'the answer has status 426' });
  });

  test('loses nothing though every request is cut when it is a second old', async () => {
    const { port, proxy, lines } = await startBehind({ cutsAfter: 1_000 });
    await until('it has been cut', () => proxy.cuts() > 0);
    await expectCarried(port, SIZE);
    await until('it is connected again', () => waysIn(lines).length > 2, 20_000);
    await expectCarried(port, SIZE);
  });
});

describe('a proxy that asks again what it was asked once', () => {
  test.each([
    ['what opens a transport', (part: string) => part === 'open'],
    ['a piece', (part: string) => part === 'piece=1'],
  ])('%s: costs a transport, and no session', async (_, repeats) => {
    let isOdd = true;
    const { port, proxy, lines, client } = await startBehind({ repeats: (part) => isOdd && repeats(part) });
    const ended: unknown[] = [];
    client.on('retry', (retry) => ended.push(retry));
    await until('it has asked again', () => proxy.answers.some(({ part }) => part.startsWith('again')));
    isOdd = false;
    await expectCarried(port, SIZE);
    // Either request may come to the server first.
    const asked = proxy.answers.filter(({ part }) => repeats(part.replace('again ', '')));
    expect(asked.map(({ status }) => status)).toContain(409);
    expect(lines.filter(({ message }) => message === 'session ended')).toEqual([]);
  });
});

test('the third way is not too much for a user with one session, though two hang', async () => {
  const oddness = { holdsWebSockets: true, holdsAnswers: true };
  const { port, lines } = await startBehind(oddness, { limits: { sessionsPerUser: 1 } });
  expect(waysIn(lines)).toEqual(['HTTP polling']);
  await expectCarried(port, 65_536);
});

test('a server with --no-http-transport is not reached by HTTP', async () => {
  await expect(startBehind({}, { httpTransport: false })).rejects.toThrow('426');
});
