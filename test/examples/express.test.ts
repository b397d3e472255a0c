import { expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { bySocks5, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { until } from 'wsproxy-test-support/until';
import { startClientOf, startExample } from './example.js';

const ADMIN_KEY = 'the key of whoever gives tokens';

test('an Express application gives tokens, counts bytes, and takes tokens back', async () => {
  const [{ program, port }, echo] = await Promise.all([startExample('express', { ADMIN_KEY }), startEcho()]);
  const ask = async (method: string, path: string, key = ADMIN_KEY) => {
    const headers = { 'x-admin-key': key, connection: 'close' };
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
    return { status: answer.status, text: await answer.text() };
  };
  expect((await ask('POST', '/users/alice/token', 'wrong')).status).toBe(403);
  const [alice, bob] = [await ask('POST', '/users/alice/token'), await ask('POST', '/users/bob/token')];
  expect([alice.status, bob.status]).toEqual([201, 201]);

  const hers = await startClientOf(port, alice.text.trim());
  const his = await startClientOf(port, bob.text.trim());
  const used = await bySocks5(hers.port, '127.0.0.1', echo.port);
  used.end('hello');
  expect(String(await readBytes(used, 5))).toBe('hello');
  await readToEnd(used);
  await until('the bytes are counted', async () => (await ask('GET', '/usage')).text === '{"alice":10}');

  const open = await bySocks5(hers.port, '127.0.0.1', echo.port);
  expect(await ask('DELETE', '/users/alice')).toEqual({ status: 200, text: '{"sessions":1}' });
  expect((await readToEnd(open)).by).toBe('reset');
  await expect(startClientOf(port, alice.text.trim())).rejects.toThrow(/token/);
  (await bySocks5(his.port, '127.0.0.1', echo.port)).destroy();

  program.signal('SIGTERM');
  expect(await program.ended).toMatchObject({ code: 0, stderr: '' });
});
