// Run on a machine of its own, where there is no Node in PATH: inside/first-steps.ts ARCHIVES VERSION PLATFORM. Does what README.md
// tells a new user, from the archives to a page in a browser, with a real Caddy. Prints each command with the time that it took.
import { once } from 'node:events';
import { appendFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

const [archives = '', version = '', platform = ''] = process.argv.slice(2);
const IN_TERMINAL = fileURLToPath(new URL('../../support/programs/in-terminal.py', import.meta.url));
/** What a new machine has; for the browser, too. */
const TOOLS = ['caddy', 'chromium', 'cp', 'curl', 'gzip', 'sh', 'tar'];
const HOST = 'tunnel.localhost';
const PAGE = 'A page that only the server can reach.';

const home = temporaryFolder();
const [tools, etc] = [join(home, 'tools'), join(home, 'etc')];
mkdirSync(tools);
for (const tool of TOOLS) {
  const { stdout } = await run('sh', ['-c', `command -v ${tool}`]);
  symlinkSync(stdout.trim(), join(tools, tool));
}
// What is installed and configured here is gone with this machine.
const layers = `lowerdir=/etc,upperdir=${etc}/own,workdir=${etc}/work`;
const mounted = await run('sh', [
  '-ec',
  `mkdir ${etc}; mount -t tmpfs tmpfs ${etc}; mkdir ${etc}/own ${etc}/work
  mount -t overlay -o ${layers} overlay /etc; umount --lazy ${etc}; mount -t tmpfs tmpfs /usr/local/bin`,
]);
if (mounted.code !== 0) throw new Error(`no folders of its own: ${mounted.stderr}`);
appendFileSync('/etc/hosts', `127.0.0.1 ${HOST}\n127.0.0.1 page.test\n`);
const env = { PATH: `/usr/local/bin:${tools}`, HOME: home, XDG_DATA_HOME: join(home, 'data') };
const where = { cwd: archives, env };

const steps: { command: string; ms: number }[] = [];
async function timed<T>(command: string, done: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  const result = await done();
  steps.push({ command, ms: Math.round(performance.now() - begin) });
  return result;
}

/** A command that ends by itself. */
function type(command: string): Promise<string> {
  return timed(command, async () => {
    const { code, stdout, stderr } = await run(join(tools, 'sh'), ['-c', command], { ...where, timeout: 60_000 });
    if (code !== 0) throw new Error(`${command}: ${stdout}${stderr}`);
    return stdout;
  });
}

/** One that asks in a terminal: each answer once its question is there. */
async function converse(
  command: string,
  answers: readonly (readonly [question: RegExp, answer: string])[],
  end: RegExp,
) {
  const { PATH, ...others } = env;
  const line = ['env', `PATH=${PATH}`, 'sh', '-c', command];
  return timed(command, async () => {
    const program = new Program('python3', [IN_TERMINAL, ...line], { cwd: archives, env: others, input: 'open' });
    for (const [question, answer] of answers) {
      await program.untilStdout(question);
      program.child.stdin?.write(`${answer}\r`);
    }
    await program.untilStdout(end, 30_000);
    program.child.stdin?.end();
    await program.ended;
    return program.stdout.replaceAll('\r', '');
  });
}

/** One that goes on, until it says this. */
async function start(command: string, ready: RegExp): Promise<Program> {
  const program = new Program(join(tools, 'sh'), ['-c', `exec ${command}`], where);
  await timed(command, () => program.untilStderr(ready, 30_000));
  return program;
}

async function install(name: string): Promise<void> {
  await type(`tar xf ${name}-${version}-${platform}.tar.gz`);
  await type(`cp ${name}-${version}-${platform}/${name} /usr/local/bin/`);
}

const page = createServer((_request, response) => response.end(`<p>${PAGE}</p>`)).listen(0, '127.0.0.1');
await once(page, 'listening');
const url = `http://page.test:${(page.address() as AddressInfo).port}/`;

await install('wsproxy-server');
const far = await converse(
  // A user would not write the flag: the page of this test is on this machine.
  'wsproxy-server init --allow-private',
  [
    [/Host name that clients use/, HOST],
    [/\[\w+\]: /, 'caddy'],
    [/Users/, ''],
    [/Write them/, ''],
  ],
  /wss:\/\/[^\n]*#[\w-]{43}\r?\n/,
);
const [serve = '', front = '', look = ''] =
  /this machine:\n\n((?: {2}.*\n)+)/
    .exec(far)?.[1]
    ?.split('\n')
    .map((line) => line.trim()) ?? [];
const server = await start(serve, / ready /);
const caddy = await start(front, /serving initial configuration/);
// The authority of this machine is nobody else's: the two flags are not needed where Caddy has a public name.
const authority = join(home, 'data/caddy/pki/authorities/local/root.crt');
const answer = await timed(look, async () => {
  const ask = async () =>
    (await run('sh', ['-c', look.replace('curl', `curl --cacert ${authority}`)], where)).stdout.trim();
  await until('the server answers', async () => (await ask()) === '401', 20_000);
  return ask();
});

await install('wsproxy-client');
const line = /^ {2}(wss:\S+)$/m.exec(far)?.[1] ?? '';
const near = await converse(
  `wsproxy-client init --ca ${authority}`,
  [
    [/Paste the line/, line],
    [/Write them/, ''],
  ],
  /What the client does, in a browser:\s+http:\S+/,
);
const client = await start('wsproxy-client', /connected to the server/);
const [curl = '', browser = ''] = ['curl -x socks5h:', 'chromium --proxy-server='].map(
  (begin) =>
    near
      .split('\n')
      .find((each) => each.trim().startsWith(begin))
      ?.trim() ?? '',
);
const fetched = await type(`${curl.replace('https://example.com/', url)} -sS`);
const shown = await type(`${browser} --headless --no-sandbox --disable-gpu --dump-dom ${url} 2>/dev/null`);
for (const program of [client, caddy, server]) {
  program.signal('SIGTERM');
  await program.ended;
}
page.close();
console.log(
  JSON.stringify({ steps, answer, fetched: fetched.includes(PAGE), shown: shown.includes(PAGE), log: server.stderr }),
);
await endAll();
