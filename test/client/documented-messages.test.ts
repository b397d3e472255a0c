import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { launch, runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import type { Ended } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { startTinyproxy } from 'wsproxy-test-support/programs/third-party-proxy';
import { httpResponse, startAnswering } from 'wsproxy-test-support/sockets/answering';
import { freePort, listen, listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { upgradeAnswer } from 'wsproxy-test-support/wire/fake-server';

/** Of docs/client.md: the section about what the program says. */
const [, SECTION = ''] = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8').split(
  '\n## What it says',
);
const PAGE = httpResponse('200 OK', ['Content-Type: text/html'], '<html>please log in</html>');

/** The messages in the table that follows `heading`. */
function documented(heading: string): string[] {
  const [, rest = ''] = SECTION.split(heading);
  const [, table = ''] = rest.split('\n\n');
  return Array.from(table.matchAll(/^\| `([^`]+)` \|/gm), ([, message = '']) => message);
}

/** `…` stands for anything. */
function patternOf(message: string): string {
  return message.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.+');
}

type Produce<T> = () => Promise<T>;

/** Its port is there before it is known that the server cannot be used: the usual one may be somebody else's. */
function client(args: readonly string[], options: Parameters<typeof runCommand>[2] = {}): Promise<Ended> {
  const listen = args.includes('--listen') ? [] : ['--listen', '0'];
  return runCommand('wsproxy-client', [...args, ...listen, '--log-level', 'silent'], options);
}
const URL_OF_NOBODY = 'ws://127.0.0.1:9/';

function file(name: string, text: string, mode = 0o600): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text, { mode });
  return path;
}

const USAGE: Readonly<Record<string, Produce<Ended>>> = {
  'no server: run wsproxy-client init, or give its URL, wss://host[:port]/path': () => client([]),
  'no token: put one in a file and give --token-file FILE, or set WSPROXY_TOKEN; …': () =>
    client([URL_OF_NOBODY], { token: null }),
  'other users can read or change token file …; run: chmod 600 …': () =>
    client([URL_OF_NOBODY, '--token-file', file('token', TOKEN, 0o644)]),
  'url: ws:// to … would send the token in clear: use wss://, or --insecure if the way is safe by itself': () =>
    client(['ws://proxy.example.org/']),
  'url: ws:// through a proxy would send the token in clear: use wss://, --proxy none, or --insecure': () =>
    client(['ws://localhost:9/', '--proxy', 'http://127.0.0.1:9']),
  '--listen …: other machines can reach …, and nobody would need a password there; give --socks-auth FILE': () =>
    client([URL_OF_NOBODY, '--listen', '0.0.0.0:0']),
  "HTTPS_PROXY: a proxy's URL cannot begin with …": () =>
    client(['wss://proxy.example.org/'], { env: { HTTPS_PROXY: 'ftp://proxy.example.org' } }),
  '--bypass: not a destination rule: …': () => client([URL_OF_NOBODY, '--bypass', '10.0.0.0/33']),
  '…:2: unknown setting …; did you mean …?': () =>
    client(['--config', file('client.yaml', `url: ${URL_OF_NOBODY}\nlisten-on: 1080\n`)]),
  '…:2: unknown setting …; allowed are …': () =>
    client(['--config', file('client.yaml', `url: ${URL_OF_NOBODY}\ncolour: blue\n`)]),
  '…:3: … cannot stand beside …': () =>
    client(['--config', file('client.yaml', `url: ${URL_OF_NOBODY}\nipv4: true\nipv6: true\n`)]),
};

/** The client against a port that gives this answer. */
async function answered(answer: Parameters<typeof startAnswering>[0]): Promise<Ended> {
  return client([`ws://127.0.0.1:${(await startAnswering(answer)).port}/`]);
}

/** The client against a server of TLS; `with` the file of its certificate. */
async function overTls(
  of: { readonly name?: string; readonly days?: number; readonly isTrusted?: boolean },
  ...args: string[]
): Promise<Ended> {
  const { name = 'IP:127.0.0.1', days = 1, isTrusted = true } = of;
  const { key, cert, file: path } = await makeCertificate(temporaryFolder(), name, days);
  const { port } = await listenOn(createTlsServer({ key, cert }, (_request, answer) => answer.writeHead(404).end()));
  return client([`wss://127.0.0.1:${port}/`, ...(isTrusted ? ['--ca', path] : []), ...args]);
}

const FAILURES: Readonly<Record<string, Produce<Ended>>> = {
  '…: the server refused the token (401): check WSPROXY_TOKEN or --token-file, or what --token-command prints':
    async () => client([`ws://127.0.0.1:${(await startServer()).port}/`], { token: `another-${TOKEN}` }),
  "…: nothing there (404): check the URL's path against the server's --path": async () =>
    client([`ws://127.0.0.1:${(await startServer()).port}/tunnel`]),
  '…: redirected to … (302): a login page of this network, or the wrong URL?': () =>
    answered(httpResponse('302 Found', ['Location: http://login.example/'])),
  '…: the answer is a web page (200): a login page of this network, or a URL without the path of the tunnel?': () =>
    answered(PAGE),
  "…: the answer is not a WebSocket's (426): a reverse proxy without Upgrade headers; nginx: proxy_http_version 1.1, proxy_set_header Upgrade and Connection":
    () => answered(httpResponse('426 Upgrade Required')),
  "…: the answer is not a WebSocket's (…): a login page, or a reverse proxy without Upgrade headers?": () =>
    answered(httpResponse('206 Partial Content')),
  '…: the server refused the upgrade (400): its version may differ from this one, or it wants another --host': () =>
    answered(httpResponse('400 Bad Request')),
  '…: the answer is not HTTP: check the port, or whether the URL should begin with wss://': () =>
    answered('SSH-2.0-OpenSSH_9.2\r\n\r\n'),
  '…: not a wsproxy-server: …': () =>
    answered((head) => upgradeAnswer(head).replace(/Sec-WebSocket-Protocol.*\r\n/, '')),
  '…: the server is not trusted: its certificate has expired: renew it on the server': () => overTls({ days: -1 }),
  '…: the server is not trusted: its certificate is self-signed: give it with --ca': () =>
    overTls({ isTrusted: false }),
  '…: the server is not trusted: its certificate is for another name: check the host in the URL, or give --sni': () =>
    overTls({ name: 'DNS:other.example' }),
  '…: the server is not trusted: its public key is …, and no pin says so': () =>
    overTls({}, '--pin', `sha256//${'A'.repeat(43)}=`),
  '…: the server is not trusted: it does not speak TLS there, or no version known here: check the port, or whether the URL should begin with ws://':
    async () => client([`wss://127.0.0.1:${(await startServer()).port}/`]),
  '…: the server ended TLS: it wants a client certificate: give --cert and --key': async () => {
    const folder = temporaryFolder();
    const { file: path } = await makeCertificate(folder, 'IP:127.0.0.1', 1);
    const tls = ['--tls-cert', path, '--tls-key', join(folder, 'key'), '--tls-client-ca', path];
    const { port } = await start('wsproxy-server', tls);
    return client([`wss://127.0.0.1:${port}/`, '--ca', path]);
  },
  '…: what answers does not speak TLS: a page of the proxy … in its place, such as a login: open any page in a browser; or check the port, or whether the URL should begin with ws://':
    async () => {
      const { port } = await startAnswering(PAGE);
      return client(['wss://tunnel.invalid/', '--proxy', `http://127.0.0.1:${port}`]);
    },
  '…: the proxy … is not trusted: it does not speak TLS there, or no version known here: check its port, or whether its URL should begin with http://':
    async () => {
      const { port } = await startServer();
      return client(['wss://tunnel.invalid/', '--proxy', `https://127.0.0.1:${port}`]);
    },
  '…: the proxy … wants a user and password (407): write them into its URL, http://user:password@host:port': async () =>
    client([URL_OF_NOBODY, '--insecure', '--proxy', `http://127.0.0.1:${await startTinyproxy()}`]),
  '…: the proxy … wants NTLM, which wsproxy cannot do; Basic is what it can (407): run a local proxy that can, such as px or cntlm, and name that one with --proxy; docs/client.md shows how':
    async () => {
      const { port } = await startAnswering(httpResponse('407 Denied', ['Proxy-Authenticate: NTLM']));
      return client([URL_OF_NOBODY, '--insecure', '--proxy', `http://127.0.0.1:${port}`]);
    },
  'cannot listen on …: the port is in use; choose another port with --listen, or end what has this one': async () => {
    const [{ port: serverPort }, { port }] = [await startServer(), await listen((socket) => socket.destroy())];
    return client([`ws://127.0.0.1:${serverPort}/`, '--listen', String(port)]);
  },
};

/** The log of a client that goes on trying, once it has told a reason. */
async function trying(...args: string[]): Promise<string> {
  const program = launch('wsproxy-client', [...args, '--listen', '0', '--log-format', 'json']);
  return program.untilStderr(/"reason":"(.*)","retryInMs"/);
}

const REASONS: Readonly<Record<string, Produce<string>>> = {
  'connect ECONNREFUSED …': async () => trying(`ws://127.0.0.1:${await freePort()}/`),
  'the connection ended before the answer came': async () => {
    const { port } = await listen((socket) => socket.once('data', () => socket.end()));
    return trying(`ws://127.0.0.1:${port}/`);
  },
  'getaddrinfo ENOTFOUND …': () => trying('wss://no-such-name.invalid/'),
  'the server, or a proxy before it, is not available (…)': async () =>
    trying(`ws://127.0.0.1:${(await startAnswering(httpResponse('503 Service Unavailable'))).port}/`),
  'this network wants a login first (511): open any page in a browser': async () =>
    trying(`ws://127.0.0.1:${(await startAnswering(httpResponse('511 Network Authentication Required'))).port}/`),
  'no connection to the proxy …; --proxy none goes without it': async () =>
    trying(URL_OF_NOBODY, '--insecure', '--proxy', `socks5://127.0.0.1:${await freePort()}`),
  'the proxy … has a page, such as a login, in place of … (302), at …: open any page in a browser': async () => {
    const { port } = await startAnswering(httpResponse('302 Found', ['Location: http://login.example/']));
    return trying('wss://tunnel.invalid/', '--proxy', `http://127.0.0.1:${port}`);
  },
  'the server ended TLS: internal error, such as no certificate for this name yet (alert 80)': async () => {
    const alert = Buffer.from([21, 3, 3, 0, 2, 2, 80]);
    const { port } = await listen((socket) => void socket.once('data', () => socket.end(alert)));
    return trying(`wss://127.0.0.1:${port}/`);
  },
};

describe('a message of docs/client.md', () => {
  skipUnlessInstalled('openssl');
  skipUnlessInstalled('tinyproxy');

  describe.each([
    ['With exit code 2', 2, USAGE],
    ['With exit code 1', 1, FAILURES],
  ] as const)('%s', (heading, code, producers) => {
    test('is one of these', () => expect(documented(heading)).toEqual(Object.keys(producers)));

    test.each(Object.entries(producers))('comes as one line: %s', async (message, produce) => {
      const ended = await produce();
      expect(ended.stderr).toMatch(new RegExp(`^wsproxy-client: ${patternOf(message)}\n$`));
      expect(ended).toMatchObject({ code, stdout: '' });
    });
  });

  describe('In the log', () => {
    test('is one of these', () => expect(documented('In the log')).toEqual(Object.keys(REASONS)));

    test.each(Object.entries(REASONS))('comes as the reason: %s', async (message, produce) => {
      expect(await produce()).toMatch(new RegExp(`^${patternOf(message)}$`));
    });
  });
});
