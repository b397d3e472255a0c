import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildConsole, startConsole } from './console-page.js';
import { readMessage, startContainerClient } from './container-channel.js';
import { startFakeEngine } from './fake-engine.js';

beforeAll(buildConsole);

describe('the server of the web console', () => {
  test('has nothing where a request names no file, and lives on', async () => {
    const { origin } = await startConsole();
    for (const path of ['//', 'http://[', '/%', '*', '/constructor']) expect(await statusOf(origin, path)).toBe(404);
    expect(await (await fetch(`${origin}/me`)).json()).toEqual({ hasContainers: false });
  });

  test('gives the channel of a list and of a refusal back, so that all consoles of a user stay free', async () => {
    const engine = await startFakeEngine();
    const containers = [{ name: 'web-*', may: ['exec'] }];
    const { origin } = await startConsole({ containers, containerEngine: engine.path, consoles: 2 });
    const client = startContainerClient(origin);
    for (let turn = 0; turn < 5; turn++) {
      expect(await client.ask({ do: 'list' })).toMatchObject({ containers: [{ name: 'web-1' }] });
      expect(await client.ask({ do: 'exec', container: 'db-1' })).toEqual({ error: expect.any(String) });
    }
    for (let count = 0; count < 2; count++) {
      const console = await client.open({ do: 'exec', container: 'web-1' });
      expect(JSON.parse((await readMessage(console)).text)).toEqual({ recorded: false, isTerminal: true });
    }
  });
});

/** The status of the answer to a GET with this path, which need not be one. */
async function statusOf(origin: string, path: string): Promise<number | undefined> {
  const { port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, agent: false });
    sent.once('response', (response) => void text(response).then(() => resolve(response.statusCode)));
    sent.once('error', reject).end();
  });
}
