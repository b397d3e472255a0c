import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Authority } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import type { ArchiveEntry, RecordingProxy } from './archive.js';
import { startMitmproxy } from './mitmproxy.js';
import { startRecordedTunnel } from './recorded-tunnel.js';
import { DATA, PAGE, startSite } from './site.js';

skipUnlessInstalled('curl');
skipUnlessInstalled('mitmdump');

interface Prepared {
  readonly folder: string;
  /** Of sites, as PEM and as a file. */
  readonly trueCa: string;
  readonly trueCaFile: string;
  /** Of a site over TLS, and of one without. */
  readonly ports: readonly [secure: number, plain: number];
}

async function prepare(): Promise<Prepared> {
  const [folder, authority] = [temporaryFolder(), new Authority('of destinations')];
  atEnd(() => authority.remove());
  const trueCaFile = join(folder, 'true-ca.pem');
  writeFileSync(trueCaFile, authority.cert);
  const secure = await startSite(authority.issue('site', 'DNS:localhost'));
  return { folder, trueCa: authority.cert, trueCaFile, ports: [secure, await startSite()] };
}

test('mitmproxy in front of the client sees the same, but for what proxies tell each other', async () => {
  const { folder, trueCa, ports } = await prepare();
  const tunnel = await startRecordedTunnel({ trueCa, folder });
  const mitmproxy = await startMitmproxy(`upstream:http://127.0.0.1:${tunnel.port}`, tunnel.ca);
  await use(mitmproxy, ports);
  expect(differences(await tunnel.seen(), await mitmproxy.seen())).toEqual([
    // RFC 9110 section 7.6.1: without TLS, the client is a proxy that takes these fields for itself.
    ...['- Connection: keep-alive', '- Connection: keep-alive', '- Keep-Alive: timeout=5'],
    ...['+ Proxy-Connection: Keep-Alive', '+ Connection: close'],
    ...SCHEMES_OF_WEBSOCKETS,
  ]);
});

test('mitmproxy behind the server sees the same', async () => {
  const { folder, trueCaFile, ports } = await prepare();
  const mitmproxy = await startMitmproxy('regular', trueCaFile);
  const server = { egress: { upstream: `http://127.0.0.1:${mitmproxy.port}` } };
  const tunnel = await startRecordedTunnel({ trueCa: readFileSync(mitmproxy.ca, 'utf8'), folder, server });
  await use(tunnel, ports);
  expect(differences(await tunnel.seen(), await mitmproxy.seen())).toEqual(SCHEMES_OF_WEBSOCKETS);
});

/** Chromium has ws and wss in its archives, mitmproxy what the request has. */
const SCHEMES_OF_WEBSOCKETS = [false, true].flatMap((isCompressed) => [
  `- GET wss://localhost/socket?deflate=${isCompressed} HTTP/1.1`,
  `+ GET https://localhost/socket?deflate=${isCompressed} HTTP/1.1`,
]);

/** A page, data, uploads of known and of unknown length, events, and WebSockets. */
async function use({ port, ca }: RecordingProxy, [secure, plain]: Prepared['ports']): Promise<void> {
  const site = `https://localhost:${secure}`;
  const curl = async (...args: readonly string[]): Promise<string> => {
    const usual = ['-sS', '--compressed', '--noproxy', '', '-x', `http://127.0.0.1:${port}`, '--cacert', ca];
    const { code, stdout, stderr } = await run('curl', [...usual, ...args]);
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };
  expect(await curl(`http://localhost:${plain}/`)).toBe(PAGE);
  expect(await curl('--http1.1', `${site}/`)).toBe(PAGE);
  expect(await curl('--http2', `${site}/data`)).toBe(DATA);
  const upload = 'name=soap&'.repeat(5_000);
  expect(await curl('--http1.1', '--data', upload, `${site}/echo`)).toBe(upload);
  for (const version of ['--http1.1', '--http2']) {
    expect(await curl(version, '-H', 'Transfer-Encoding: chunked', '--data', upload, `${site}/echo`)).toBe(upload);
  }
  expect(await curl('--http2', `${site}/events`)).toContain('data: event 3');
  for (const isCompressed of [false, true]) {
    const asking = request({ host: '127.0.0.1', port, method: 'CONNECT', path: `localhost:${secure}` }).end();
    const [, socket] = await once(asking, 'connect');
    const webSocket = new WebSocket(`wss://localhost:${secure}/socket?deflate=${isCompressed}`, {
      createConnection: () => connect({ socket, servername: 'localhost', ca: readFileSync(ca) }),
      perMessageDeflate: isCompressed,
    });
    await once(webSocket, 'open');
    expect(webSocket.extensions).toBe(isCompressed ? 'permessage-deflate' : '');
    for (const message of ['hello', Buffer.from([0, 1, 255]), 'long '.repeat(1_000)]) {
      webSocket.send(message);
      expect(String((await once(webSocket, 'message'))[0])).toBe(String(message));
    }
    webSocket.close();
    await once(webSocket, 'close');
  }
}

/** What only the first has (-), and what only the second (+). All else is the same, in the same order. */
function differences(ours: readonly ArchiveEntry[], theirs: readonly ArchiveEntry[]): string[] {
  expect(ours).toHaveLength(9);
  expect(theirs).toHaveLength(9);
  return ours.flatMap((entry, n) => {
    const [first, second] = [linesOf(entry), linesOf(theirs[n] as ArchiveEntry)];
    expect(first.filter((line) => second.includes(line))).toEqual(second.filter((line) => first.includes(line)));
    const left = first.filter((line) => !second.includes(line)).map((line) => `- ${line}`);
    return [...left, ...second.filter((line) => !first.includes(line)).map((line) => `+ ${line}`)];
  });
}

/** Of a field that is there twice in the same way, one line tells. */
function linesOf({ request: asked, response, _webSocketMessages = [] }: ArchiveEntry): string[] {
  return [
    `${asked.method} ${asked.url.replace(/:\d+/, '')} ${asked.httpVersion}`,
    ...asked.headers.map(({ name, value }) => `${name}: ${value}`),
    `${response.httpVersion} ${response.status} ${response.statusText}`,
    ...response.headers.map(({ name, value }) => `${name}: ${value}`),
    `sent ${asked.postData?.text}`,
    `got ${response.content.text ?? ''}`,
    ..._webSocketMessages.map(({ type, opcode, data }) => `${type} ${opcode} ${data}`),
  ];
}
