import { expect, test } from 'vitest';
import { type ClientOptions, diagnose } from 'wsproxy-client';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { startOddProxy } from './odd-proxy.js';

/** What the doctor finds of the ways to the server at a port. */
async function waysTo(port: number, options: Partial<ClientOptions> = {}) {
  const { findings } = await diagnose({ url: `ws://127.0.0.1:${port}/`, token: TOKEN, quick: true, ...options });
  return findings.find(({ step }) => step === 'ways');
}

test('the doctor tells that every way works, and how fast each is', async () => {
  const { port } = await startServer();
  const found = await waysTo(port);
  expect(found).toMatchObject({
    mark: 'ok',
    text: expect.stringMatching(/^all work; .*WebSocket .*, HTTP .*, HTTP polling /),
  });
  expect(Object.keys(found?.figures ?? {})).toEqual(
    ['WebSocket', 'HTTP', 'HTTP polling'].flatMap((name) => [`${name}: openMs`, `${name}: roundTripMs`]),
  );
});

test('the doctor tries WebSockets over HTTP/2, too, where there is TLS', async () => {
  const { cert, key } = await makeCertificate(temporaryFolder(), 'DNS:localhost', 1);
  const { port } = await startServer({ tls: { cert, key } });
  expect(await waysTo(port, { url: `wss://localhost:${port}/`, ca: cert })).toMatchObject({
    mark: 'ok',
    text: expect.stringMatching(/^all work; .*: WebSocket .*, WebSocket over HTTP\/2 .*, HTTP .*, HTTP polling /),
  });
});

test('the doctor tells which ways are left where no WebSocket passes, and that the client finds them', async () => {
  const { port } = await startServer();
  const proxy = await startOddProxy(port, { holdsAnswers: true });
  expect(await waysTo(proxy.port)).toMatchObject({
    mark: 'warn',
    text: expect.stringMatching(/^opening \+ round trip in ms: HTTP polling .*; without success: WebSocket, HTTP$/),
    cure: expect.stringContaining('by itself'),
  });
});

test('the doctor says that there is no room to try the ways, where it is so', async () => {
  const { port } = await startServer({ limits: { sessionsPerUser: 1 } });
  expect(await waysTo(port)).toMatchObject({ mark: 'skip', text: expect.stringContaining('no more sessions') });
});

test('the doctor has nothing against a server with --no-http-transport', async () => {
  const { port } = await startServer({ httpTransport: false });
  expect(await waysTo(port)).toMatchObject({
    mark: 'ok',
    text: expect.stringMatching(/; without success: HTTP, HTTP polling$/),
  });
});
