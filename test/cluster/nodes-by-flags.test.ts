import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { Authority } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { runCommand, start } from 'wsproxy-test-support/programs/command-line';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

skipUnlessInstalled('openssl');

let folder: string;
let authority: Authority;
beforeEach(() => {
  folder = temporaryFolder();
  authority = new Authority('cluster');
  atEnd(() => authority.remove());
  issue('first');
  writeFileSync(join(folder, 'ca'), authority.cert);
});

function issue(name: string): void {
  const { cert, key } = authority.issue(name);
  writeFileSync(join(folder, 'cert'), cert);
  writeFileSync(join(folder, 'key'), key, { mode: 0o600 });
}

const flags = (port: number): string[] => [
  ...['--node', 'ams', '--cluster-listen', `127.0.0.1:${port}`, '--cluster-cert', join(folder, 'cert')],
  ...['--cluster-key', join(folder, 'key'), '--cluster-ca', join(folder, 'ca')],
];

test('a server of a cluster says where the others reach it', async () => {
  const { program } = await start('wsproxy-server', flags(0));
  expect(program.stderr).toMatch(/"route":"ams\.[0-9a-f]{12}","cluster":"127\.0\.0\.1:\d+"[^\n]*"ready"/);
});

test('it takes the new certificate when told to, and keeps the one of before when that is none', async () => {
  const { program } = await start('wsproxy-server', flags(0));
  await program.untilStderr(/"TLS between servers is served"/);
  writeFileSync(join(folder, 'cert'), 'none');
  program.signal('SIGHUP');
  await program.untilStderr(
    /clusterCert[^\n]*"the files for TLS between servers cannot be used, those of before stay in use"/,
  );
  issue('second');
  program.signal('SIGHUP');
  await program.untilStderr(/"TLS between servers is served with what the files hold now"/);
});

test('a port that it cannot have is told in one line', async () => {
  const { port } = await listen(() => {});
  const { code, stderr } = await runCommand('wsproxy-server', [
    ...flags(port),
    '--listen',
    '0',
    '--log-level',
    'error',
  ]);
  expect(code).toBe(1);
  expect(stderr.trim().split('\n').at(-1)).toBe(
    `wsproxy-server: cannot listen on 127.0.0.1:${port}: the port is in use; choose another port with --cluster-listen, or end what has this one`,
  );
});
