import { once } from 'node:events';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { run } from 'wsproxy-test-support/programs/program';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { type InspectedTunnel, startInspectedTunnel } from './inspected-tunnel.js';
import { listenOn } from './listen-on.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(ROOT, 'docs/inspect.md'), 'utf8');
const scripts = [...page.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code = '']) => code);
/** In their order. */
const [fromFile = '', changes = '', json = '', messages = ''] = scripts;

async function ask({ client }: InspectedTunnel, port: number, path: string): Promise<string> {
  const agent = client.agent();
  const asking = request({ agent, host: 'localhost', port, path }).end();
  const [response] = await once(asking, 'response');
  const answer = await text(response);
  agent.destroy();
  return answer;
}

/** Paths of a script count from the folder in which the client runs. */
const inFolder = (script: string, folder: string): string =>
  script.replaceAll(/'(config\.json|messages\.log)'/g, (_all, name: string) => JSON.stringify(join(folder, name)));

test('the page has four scripts, and TypeScript finds no mistake in them', { timeout: 120_000 }, async () => {
  expect(scripts).toHaveLength(4);
  const folder = temporaryFolder();
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const wrong =
    "/** @satisfies {import('wsproxy-client').InspectScript} */\nexport default { onRequest(request) { request.url = 1; } };";
  for (const [n, code] of [...scripts, wrong].entries()) writeFileSync(join(folder, `${n}.mjs`), code);
  const compilerOptions = {
    noEmit: true,
    isolatedDeclarations: false,
    skipLibCheck: true,
    allowJs: true,
    checkJs: true,
  };
  const tsconfig = { extends: join(ROOT, 'tsconfig.base.json'), compilerOptions, include: ['*.mjs'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  const { stdout } = await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder], { timeout: 110_000 });
  expect(stdout).toMatch(/^\S*4\.mjs\(2,\d+\): error TS2322: Type 'number' is not assignable to type 'string'\.\n$/);
});

test('one answers from a file', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'config.json'), '{"from":"file"}');
  const tunnel = await startInspectedTunnel(['localhost'], inFolder(fromFile, folder));
  const port = await listenOn(createServer((_asked, response) => void response.end('from the host')));
  expect(await ask(tunnel, port, '/config.json')).toBe('{"from":"file"}');
  expect(await ask(tunnel, port, '/other')).toBe('from the host');
});

test('one adds a header, and changes an answer', async () => {
  const tunnel = await startInspectedTunnel(['localhost'], changes);
  const port = await listenOn(
    createServer((asked, response) => void response.end(`${asked.headers['x-debug']}: 5 EUR, 7 EUR`)),
  );
  expect(await ask(tunnel, port, '/prices')).toBe('1: 5 USD, 7 USD');
  expect(await ask(tunnel, port, '/other')).toBe('1: 5 EUR, 7 EUR');
});

test('one changes a JSON body', async () => {
  const tunnel = await startInspectedTunnel(['localhost'], json);
  const port = await listenOn(createServer((_asked, response) => void response.end('{"id":1,"plan":"free"}')));
  expect(await ask(tunnel, port, '/account')).toBe('{"id":1,"plan":"gold"}');
  expect(await ask(tunnel, port, '/other')).toBe('{"id":1,"plan":"free"}');
});

test('one writes messages into a file, changes them and drops some', async () => {
  const folder = temporaryFolder();
  const tunnel = await startInspectedTunnel(['localhost'], inFolder(messages, folder));
  const server = createServer();
  const webSockets = new WebSocketServer({ server });
  webSockets.on('connection', (webSocket) => webSocket.on('message', (data) => webSocket.send(`got ${data}`)));
  atEnd(() => webSockets.close());
  const port = await listenOn(server);
  const webSocket = new WebSocket(`ws://localhost:${port}/`, { agent: tunnel.client.agent() });
  const got: string[] = [];
  webSocket.on('message', (data) => got.push(String(data)));
  await once(webSocket, 'open');
  for (const message of ['heartbeat', 'red']) webSocket.send(message);
  await until('the answer is there', () => got.length > 0);
  expect(got).toEqual(['got green']);
  expect(readFileSync(join(folder, 'messages.log'), 'utf8')).toBe('up heartbeat\nup red\ndown got green\n');
  webSocket.terminate();
});
