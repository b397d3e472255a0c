import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fetch } from 'undici';
import { expect, test } from 'vitest';
import { listenOn } from 'wsproxy-test-support/sockets/listen';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const SEQUENTIAL = 10_000;
const CONCURRENT = 1_000;
/** Of the JavaScript heap, after garbage was collected: what Node itself keeps varies by less. */
const HEAP_TOLERANCE = 8 * 1024 * 1024;

async function startWeb(): Promise<string> {
  const server = createServer((request, response) => response.end(`this is ${request.url}`));
  server.keepAliveTimeout = 0;
  const { port } = await listenOn(server);
  return `http://127.0.0.1:${port}`;
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** In use after a full collection. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

test(`${SEQUENTIAL} fetches one after another, each by a channel of its own, bring the right bodies and leave nothing`, async () => {
  const [{ client, server }, url] = [await startTunnel(), await startWeb()];
  const dispatcher = await client.dispatcher({ pipelining: 0 });
  const ask = async (n: number): Promise<void> => {
    const response = await fetch(`${url}/${n}`, { dispatcher });
    if ((await response.text()) !== `this is /${n}`) throw new Error(`a wrong body for ${n}`);
  };
  for (let n = 0; n < 1_000; n++) await ask(n);
  await until('no channel is left', () => client.channelCount + server.channelCount === 0);
  const before = { heap: heap(), descriptors: descriptors() };
  for (let n = 1_000; n < SEQUENTIAL; n++) await ask(n);
  await until('no channel is left', () => client.channelCount + server.channelCount === 0);
  await until('the descriptors are back', () => descriptors() <= before.descriptors + 2);
  const grown = heap() - before.heap;
  console.log(`${SEQUENTIAL} fetches: the heap has grown by ${(grown / 1024).toFixed(0)} KiB`);
  expect(grown).toBeLessThan(HEAP_TOLERANCE);
  await dispatcher.close();
}, 180_000);

test(`${CONCURRENT} fetches at once bring the right bodies, and leave no channel`, async () => {
  const [{ client, server }, url] = [await startTunnel(), await startWeb()];
  const dispatcher = await client.dispatcher();
  const bodies = await Promise.all(
    Array.from({ length: CONCURRENT }, async (_, n) => (await fetch(`${url}/${n}`, { dispatcher })).text()),
  );
  expect(bodies).toEqual(Array.from({ length: CONCURRENT }, (_, n) => `this is /${n}`));
  await dispatcher.close();
  await until('no channel is left', () => client.channelCount + server.channelCount === 0);
}, 120_000);
