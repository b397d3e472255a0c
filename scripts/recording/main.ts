// `npm run recording`: docs/recording.svg, a download whose tunnel is cut twice, with real programs in real terminals. It needs
// Linux, root, bash, Python, nginx, curl and ss, and takes half a minute. --file and --mib are for a shorter one elsewhere.
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { scriptOf, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { prepareNginx } from 'wsproxy-test-support/programs/nginx';
import { configuration } from 'wsproxy-test-support/programs/reverse-proxy';
import { startNameserver } from 'wsproxy-test-support/sockets/nameserver';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { drawRecording } from './draw.js';
import { Terminal } from './terminal.js';

const { values } = parseArgs({
  options: {
    file: { type: 'string', default: fileURLToPath(new URL('../../docs/recording.svg', import.meta.url)) },
    mib: { type: 'string', default: '48' },
  },
});

const COLUMNS = 124;
/** How fast the destination sends, bytes a second, in so many pieces. */
const RATE = 4 * 1_048_576;
const PIECES = 20;
/** How long nginx stays away, ms. */
const AWAY = 4_000;
const DESCRIPTION =
  'Three terminals. A download runs through wsproxy-client. The WebSocket is killed, and the download goes on. ' +
  'The reverse proxy stops for some seconds, the download waits, and it goes on when the proxy is back. The checksum is right.';

if (process.env['RECORDING_NETWORK'] === undefined) {
  // In a network of its own: with the ports that users have, and nothing else of this machine to cut.
  const { status } = spawnSync('unshare', ['--net', process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, RECORDING_NETWORK: 'own' },
  });
  process.exit(status ?? 1);
}
try {
  spawnSync('ip', ['link', 'set', 'lo', 'up'], { stdio: 'inherit' });
  writeFileSync(values.file, await record(Number(values.mib) * 1_048_576));
} finally {
  await endAll();
}
process.exit();

/** Plays the scene with a file of this many bytes, and draws it. */
async function record(size: number): Promise<string> {
  const folder = temporaryFolder();
  const file = randomBytes(size);
  await serve(file);
  const nameserver = await startNameserver(() => ({ records: [{ value: '127.0.0.1' }] }));
  const more = ['--path', '/tunnel', '--allow-private', '--allow-port', '80', '--dns', nameserver.address];
  await start('wsproxy-server', [...more, '--trusted-proxy', '127.0.0.1'], { port: 8080 });
  const env = await prepare(folder, file);

  const [top, middle, bottom] = [
    { title: 'your machine', rows: 6 },
    { title: 'your machine: wsproxy-client', rows: 9 },
    { title: 'the server', rows: 6 },
  ].map((pane) => ({ ...pane, terminal: new Terminal(COLUMNS, pane.rows, { cwd: folder, env }) }));
  if (top === undefined || middle === undefined || bottom === undefined) throw new Error('there are three');
  const panes = [top, middle, bottom];
  for (const { terminal } of panes) await terminal.shows(/^\$\s*$/);
  await bottom.terminal.type('nginx');
  await bottom.terminal.shows(/\$ nginx\n\$/);
  await bottom.terminal.type('clear');
  await bottom.terminal.shows(/^\$\s*$/);

  const from = performance.now();
  await middle.terminal.type('wsproxy-client wss://proxy.example.org/tunnel --token-file token');
  await middle.terminal.shows(/connected to the server/);
  await pause(700);
  await top.terminal.type('curl -x socks5h://127.0.0.1:1080 -# -O http://files.example.org/image.iso');
  await top.terminal.shows(/#\s+2\d\.\d%/);
  await bottom.terminal.type('ss -KtnH dport = 443      # kill the WebSocket');
  await middle.terminal.shows(/"channels":1/);
  await top.terminal.shows(/#\s+5\d\.\d%/);
  await bottom.terminal.type('nginx -s stop            # the reverse proxy goes away');
  await pause(AWAY);
  await bottom.terminal.type('nginx                    # and comes back');
  await top.terminal.shows(/100\.0%[\s\S]*\n\$/);
  await pause(500);
  await top.terminal.type('sha256sum -c SHA256SUMS');
  await top.terminal.shows(/image\.iso: (OK|FAILED)/);
  await pause(300);
  const to = performance.now();
  if (!top.terminal.text.includes('image.iso: OK')) throw new Error(`the file has changed:\n${top.terminal.text}`);
  return drawRecording({
    columns: COLUMNS,
    description: DESCRIPTION,
    from,
    to,
    panes: panes.map(({ title, rows, terminal: { snapshots } }) => ({ title, rows, snapshots })),
  });
}

/** A destination that sends the file at an even rate. */
async function serve(file: Buffer): Promise<void> {
  const piece = RATE / PIECES;
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': file.length });
    let at = 0;
    const timer = setInterval(() => {
      if (response.writableNeedDrain) return;
      response.write(file.subarray(at, at + piece));
      at += piece;
      if (at < file.length) return;
      clearInterval(timer);
      response.end();
    }, 1_000 / PIECES);
    response.once('close', () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(80, '127.0.0.1', resolve));
}

/** The files of the scene, and the environment in which the three shells have the programs by their names. */
async function prepare(folder: string, file: Buffer): Promise<Record<string, string>> {
  const certificate = await makeCertificate(folder, 'DNS:proxy.example.org', 1);
  const nginx = prepareNginx(
    folder,
    configuration('nginx.conf', [
      ['user www-data', 'user root'],
      ['/var/log/nginx/', `${folder}/`],
      ['/etc/letsencrypt/live/proxy.example.org/fullchain.pem', certificate.file],
      ['/etc/letsencrypt/live/proxy.example.org/privkey.pem', join(folder, 'key')],
      ['[::]:443', '[::1]:443'],
      ['[::]:80', '[::1]:81'],
      ['listen 80', 'listen 81'],
    ]),
  ).map((word) => word.replace('daemon off; ', '').replace(/stderr( notice)?/, join(folder, 'error.log')));
  const programs = join(folder, 'bin');
  mkdirSync(programs);
  const program = (name: string, command: readonly string[]): void => {
    const words = command.map((word) => `'${word}'`).join(' ');
    writeFileSync(join(programs, name), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  };
  program('wsproxy-client', [process.execPath, scriptOf('wsproxy-client')]);
  program('nginx', ['/usr/sbin/nginx', ...nginx]);
  const settings = join(folder, '.config/wsproxy');
  mkdirSync(settings, { recursive: true });
  writeFileSync(join(settings, 'client.yaml'), 'resolve: ["proxy.example.org:443:127.0.0.1"]\n', { mode: 0o600 });
  writeFileSync(join(folder, 'token'), `${TOKEN}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'SHA256SUMS'), `${createHash('sha256').update(file).digest('hex')}  image.iso\n`);
  const path = `${programs}:${process.env['PATH'] ?? ''}`;
  return { HOME: folder, PATH: path, NODE_EXTRA_CA_CERTS: certificate.file, TZ: 'UTC' };
}
