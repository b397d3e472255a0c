import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { codeBlocks } from 'wsproxy-test-support/documents';
import { prepareNginx } from 'wsproxy-test-support/programs/nginx';
import { run } from 'wsproxy-test-support/programs/program';
import { startUntilListening } from 'wsproxy-test-support/programs/reverse-proxy';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort, listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient, startServer } from 'wsproxy-test-support/tunnel';

skipUnlessInstalled('nginx');
skipUnlessInstalled('openssl');
skipUnlessInstalled('curl');

test('the nginx of docs/reverse-http.md does TLS for names, with true addresses, and WebSockets', async () => {
  const folder = temporaryFolder();
  const certificate = await makeCertificate(folder, 'DNS:*.example.org', 2);
  const { server, port: serverPort } = await startServer({
    reverse: true,
    allowListen: ['http:*.example.org'],
    trustedProxies: ['127.0.0.1'],
  });
  const { port } = await server.listenReverseHttp({ port: 0 });
  const tlsPort = await freePort();
  await startNginx(folder, tlsPort, [
    ['listen 443 ssl', `listen 127.0.0.1:${tlsPort} ssl http2`],
    ['/etc/ssl/example.org/fullchain.pem', certificate.file],
    ['/etc/ssl/example.org/privkey.pem', join(folder, 'key')],
    ['127.0.0.1:8081', `127.0.0.1:${port}`],
  ]);
  const { client } = await startClient(serverPort);
  const service = createServer(({ url, headers }, response) => response.end(`${url} ${JSON.stringify(headers)}`));
  const sockets = new WebSocketServer({ server: service });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  const { port: servicePort } = await listenOn(service);
  await client.forwardRemote({ name: 'app.example.org', target: `127.0.0.1:${servicePort}` });

  for (const version of ['--http1.1', '--http2']) {
    const at = `app.example.org:${tlsPort}`;
    const lies = ['-H', 'X-Forwarded-For: 192.0.2.1', '-H', 'X-Forwarded-Host: a.org'];
    const curl = ['-sS', version, '--cacert', certificate.file, '--resolve', `${at}:127.0.0.1`, `https://${at}/a?b`];
    const { code, stdout, stderr } = await run('curl', [...curl, ...lies]);
    expect([code, stderr, stdout.slice(0, 5)]).toEqual([0, '', '/a?b ']);
    expect(JSON.parse(stdout.slice(5))).toMatchObject({
      host: 'app.example.org',
      'x-forwarded-for': '127.0.0.1, 127.0.0.1',
      'x-forwarded-proto': 'https',
    });
  }
  const toNginx = { host: '127.0.0.1', servername: 'app.example.org', ca: certificate.cert };
  const socket = new WebSocket(`wss://app.example.org:${tlsPort}/`, {
    createConnection: () => connect({ ...toNginx, port: tlsPort }),
  });
  atEnd(() => socket.terminate());
  await once(socket, 'open');
  socket.send('through both');
  expect(String((await once(socket, 'message'))[0])).toBe('through both');
});

async function startNginx(folder: string, port: number, replaced: readonly [string, string][]): Promise<void> {
  let [text = ''] = codeBlocks('reverse-http.md', 'nginx');
  for (const [what, by] of replaced) {
    expect(text).toContain(what);
    text = text.replace(what, () => by);
  }
  const args = prepareNginx(folder, `events {}\nhttp { access_log off;\n${text}}\n`);
  await startUntilListening('nginx', args, port);
}
