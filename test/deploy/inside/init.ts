// Run on a machine of its own, with port 443 free: a server and a client as `init` sets them up, behind a real Caddy with an
// authority of its own. Prints what each step came to.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { runCommand, scriptOf } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

const HOST = 'tunnel.localhost';
const SIZE = 100_000;

const folder = temporaryFolder();
const env = { HOME: folder, XDG_DATA_HOME: join(folder, 'data') };
const config = join(folder, 'server.yaml');
const flags = ['--config', config, '--host-name', HOST, '--front', 'caddy', '--user', 'alice', '--allow-private'];
const far = await runCommand('wsproxy-server', ['init', ...flags], { env, token: null });

// This machine has the authorities of the real one.
const caddyfile = join(folder, 'Caddyfile');
writeFileSync(caddyfile, readFileSync(caddyfile, 'utf8').replace('{\n', '{\n\tskip_install_trust\n'));
const [serve = '', front = '', look = ''] = /this machine:\n\n((?: {2}.*\n)+)/.exec(far.stdout)?.[1]?.split('\n') ?? [];
const inShell = (line: string) => new Program('sh', ['-c', `exec ${line}`], { env });
const server = inShell(serve);
await server.untilStderr(/ ready /);
const caddy = inShell(front);
const answer = async () => (await run('sh', ['-c', look.replace('curl', 'curl -k')], { env })).stdout.trim();
await until('Caddy and the server answer', async () => (await answer()) === '401', 20_000);

const line = /^ {2}(alice: .*)$/m.exec(far.stdout)?.[1] ?? '';
const authority = join(folder, 'data/caddy/pki/authorities/local/root.crt');
const beside = ['--ca', authority, '--resolve', `${HOST}:443:127.0.0.1`];
const near = await runCommand('wsproxy-client', ['init', ...beside], {
  env,
  token: null,
  input: line,
  timeout: 30_000,
});
const client = new Program(process.execPath, [scriptOf('wsproxy-client')], { env });
await client.untilStderr(/connected to the server/);
const { port } = await startWebFiles();
const [, curl = ''] = /^Try it:\n {2}(.*)$/m.exec(near.stdout) ?? [];
const fetched = await run('sh', [
  '-c',
  `${curl.replace('https://example.com/', `http://localhost:${port}/seed/${SIZE}`)} -s | wc -c`,
]);
for (const program of [client, caddy, server]) {
  program.signal('SIGTERM');
  await program.ended;
}
console.log(
  JSON.stringify({
    codes: [far.code, near.code],
    errors: far.stderr + near.stderr,
    found: near.stdout,
    length: Number(fetched.stdout),
  }),
);
await endAll();
