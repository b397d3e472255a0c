import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { TOKEN } from '../support/command-line.js';
import { startAnswerAfterEnd } from '../support/destinations/answer-after-end.js';
import { run } from '../support/program.js';
import { startServer } from '../support/tunnel.js';

const script = fileURLToPath(new URL('fixtures/idle.mjs', import.meta.url));

test('a program ends by itself though its client is connected', async () => {
  const { port } = await startServer();
  const { code, stdout } = await run(process.execPath, [script, `ws://127.0.0.1:${port}/`, TOKEN]);
  expect([code, stdout]).toEqual([0, 'done\n']);
});

test('a program does not end while it waits for a channel', async () => {
  const [{ port }, answer] = [await startServer(), await startAnswerAfterEnd()];
  const args = [script, `ws://127.0.0.1:${port}/`, TOKEN, `127.0.0.1:${answer.port}`];
  const { code, stdout } = await run(process.execPath, args);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}\ndone\n$/)]);
});
