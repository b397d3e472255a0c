import { describe, expect, test } from 'vitest';
import { type DiagnoseOptions, diagnose, type StepName } from 'wsproxy-client';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { startOddProxy } from 'wsproxy-test-support/sockets/odd-proxy';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { NO_TUNNELS, startSquid } from './squid.js';

/** What the doctor finds of the way to the server at a port, and by which step it explains that. */
async function examine(port: number, options: Partial<DiagnoseOptions> = {}) {
  const url = `ws://127.0.0.1:${port}/`;
  const { findings, cause } = await diagnose({ url, token: TOKEN, quick: true, ...options });
  const of = (name: StepName) => findings.find(({ step }) => step === name);
  return { of, cause: cause?.step, failures: findings.filter(({ mark }) => mark === 'fail').map(({ step }) => step) };
}

/** What it finds of the ways to there. */
async function waysTo(port: number, options: Partial<DiagnoseOptions> = {}) {
  return (await examine(port, options)).of('ways');
}

/** Of a server that a test starts with TLS. */
async function startTls() {
  const { cert, key } = await makeCertificate(temporaryFolder(), 'DNS:localhost', 1);
  const { port } = await startServer({ tls: { cert, key } });
  return { port, url: `wss://localhost:${port}/`, ca: cert };
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
  const { port, ...options } = await startTls();
  expect(await waysTo(port, options)).toMatchObject({
    mark: 'ok',
    text: expect.stringMatching(/^all work; .*: WebSocket .*, HTTP .*, WebSocket over HTTP\/2 .*, HTTP polling /),
  });
});

test('the doctor tells which ways are left where no WebSocket passes, and that the client finds them', async () => {
  const { port } = await startServer();
  const proxy = await startOddProxy(port, { holdsAnswers: true });
  const { of } = await examine(proxy.port);
  expect(of('http')).toMatchObject({
    mark: 'warn',
    text: expect.stringMatching(/; the client uses HTTP polling instead$/),
  });
  expect(of('ways')).toMatchObject({
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

const THROUGH_TUNNEL = ['session', 'round trip', 'datagrams', 'quota'] as const;

test('the doctor goes on by HTTP where no WebSocket passes, and says what is wrong with WebSockets', async () => {
  const { port } = await startServer();
  const proxy = await startOddProxy(port);
  const { of, cause, failures } = await examine(proxy.port);
  expect(of('http')).toMatchObject({
    mark: 'warn',
    text: "the answer is not a WebSocket's (426); the client uses HTTP instead",
    cure: expect.stringContaining('proxy_set_header Upgrade'),
  });
  expect(THROUGH_TUNNEL.map((step) => of(step)?.mark)).toEqual(THROUGH_TUNNEL.map(() => 'ok'));
  expect([cause, failures]).toEqual(['http', []]);
});

test('the doctor goes on by HTTP where a WebSocket opens, and carries nothing', async () => {
  const { port } = await startServer();
  const proxy = await startOddProxy(port, { cutsWebSockets: true });
  const { of, cause, failures } = await examine(proxy.port);
  expect(of('http')).toMatchObject({ mark: 'ok' });
  expect(of('session')).toMatchObject({
    mark: 'warn',
    text: expect.stringMatching(/^WebSocket opens, but nothing comes by it: .*; the client uses HTTP instead$/),
  });
  expect([of('round trip')?.mark, cause, failures]).toEqual(['ok', 'session', []]);
});

test('the doctor watches a silent session on the way that works', async () => {
  const { port } = await startServer();
  const proxy = await startOddProxy(port);
  const { of } = await examine(proxy.port, { idle: 1_000 });
  expect(of('idle')).toMatchObject({ mark: 'ok', text: 'a silent connection stays open for 1 s at least' });
});

test('the doctor goes on by no other way than --transport allows', async () => {
  const { port } = await startServer();
  const proxy = await startOddProxy(port);
  const { of, cause, failures } = await examine(proxy.port, { transport: 'ws' });
  expect(of('http')).toMatchObject({ mark: 'fail', text: "the answer is not a WebSocket's (426)" });
  expect(of('ways')).toMatchObject({ mark: 'warn', cure: expect.stringMatching(/^the client uses them with .*auto/) });
  expect([of('session')?.mark, cause, failures]).toEqual(['skip', 'http', ['http']]);
});

test('the doctor goes the way that --transport names where others work, too', async () => {
  const { port } = await startServer();
  const { of: byHttp } = await examine(port, { transport: 'http' });
  expect([byHttp('http')?.text, byHttp('session')?.mark]).toEqual(['the way is open: HTTP', 'ok']);
  const { port: tlsPort, ...options } = await startTls();
  const { of: byHttp2 } = await examine(tlsPort, { ...options, transport: 'h2' });
  expect([byHttp2('http')?.text, byHttp2('session')?.mark]).toEqual(['the way is open: WebSocket over HTTP/2', 'ok']);
  await expect(examine(port, { transport: 'h2' })).rejects.toThrow('h2 is spoken in TLS alone');
});

test('the doctor tries no other way once the server has refused the token', async () => {
  const { port } = await startServer();
  const proxy = await startOddProxy(port);
  const { of, failures } = await examine(proxy.port, { token: `${TOKEN}-another` });
  expect(of('http')).toMatchObject({ mark: 'fail', text: expect.stringContaining('(401)') });
  expect(failures).toEqual(['http']);
  // Requests of HTTP are for a part of a transport.
  expect(proxy.answers.filter(({ part }) => part !== '')).toEqual([]);
});

describe('through a proxy that opens no tunnel', () => {
  skipUnlessInstalled('squid');

  test('the doctor goes by ordinary requests, as the client does', async () => {
    const [{ port }, proxy] = [await startServer(), await startSquid(NO_TUNNELS)];
    const { of, failures } = await examine(port, { proxy: `http://127.0.0.1:${proxy}` });
    expect(failures).toEqual([]);
    expect(of('proxy')).toMatchObject({
      mark: 'warn',
      text: expect.stringMatching(/403.*; ordinary requests may pass$/),
    });
    expect(of('http')).toMatchObject({ mark: 'warn', text: expect.stringMatching(/; the client uses HTTP instead$/) });
    expect(of('session')?.mark).toBe('ok');
  });

  test('that is a failure with --transport ws', async () => {
    const [{ port }, proxy] = [await startServer(), await startSquid(NO_TUNNELS)];
    const { cause, failures } = await examine(port, { proxy: `http://127.0.0.1:${proxy}`, transport: 'ws' });
    expect([cause, failures]).toEqual(['proxy', ['proxy']]);
  });

  test('and no request either, the doctor says whom to ask', async () => {
    const [{ port }, proxy] = [await startServer(), await startSquid('http_access deny all')];
    const { of, cause } = await examine(port, { proxy: `http://127.0.0.1:${proxy}` });
    expect(cause).toBe('http');
    expect(of('http')?.cure).toMatch(/^many proxies allow port 443 alone; .*ask who runs the proxy$/);
  });
});
