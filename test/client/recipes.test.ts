import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { scriptOf, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listenOn } from 'wsproxy-test-support/sockets/listen';
import { startNameserver } from 'wsproxy-test-support/sockets/nameserver';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const DOCUMENT = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8');
/** Only the server can resolve it: who reaches it has gone through the tunnel. */
const NAME = 'recipes.test';

/** The code that follows the recipe for `program` in docs/client.md. */
function recipe(program: string): string {
  const [, rest = ''] = DOCUMENT.split(`\n**${program}`);
  const [, code = ''] = /```\n([^]*?)```/.exec(rest) ?? [];
  expect(code).not.toBe('');
  return code;
}

/** A tunnel, what leads a program to it in place of the default port, and a site behind it that counts requests. */
async function prepare() {
  const paths: string[] = [];
  const site = createServer((request, response) => {
    paths.push(request.url ?? '');
    if (/\/(In)?Release$/.test(request.url ?? '')) response.writeHead(404).end();
    else if (request.url?.startsWith('/-/')) response.end('{}');
    else response.end('');
  });
  const [{ port }, nameserver] = await Promise.all([
    listenOn(site),
    startNameserver((name) => (name === NAME ? { records: [{ value: '127.0.0.1' }] } : 'NXDOMAIN')),
  ]);
  const tunnel = await startTunnel({ server: { egress: { nameservers: [nameserver.address] } } });
  const home = temporaryFolder();
  const lead = (text: string) => text.replaceAll(':1080', `:${tunnel.port}`);
  return { tunnel, home, lead, paths, url: `http://${NAME}:${port}` };
}

/** Runs a shell script whose programs find nothing but what the recipe has left in `home`. */
function shell(home: string, script: string, env: Record<string, string> = {}) {
  return run('sh', ['-e', '-c', script], { env: { HOME: home, ...env }, cwd: home });
}

describe('the recipe for', () => {
  describe('curl', () => {
    skipUnlessInstalled('curl');

    test('works', async () => {
      const { home, lead, paths, url } = await prepare();
      writeFileSync(join(home, '.curlrc'), lead(recipe('curl')));
      expect(await shell(home, `curl -sS ${url}/curl`)).toMatchObject({ code: 0, stderr: '' });
      expect(paths).toEqual(['/curl']);
    });
  });

  describe('git', () => {
    skipUnlessInstalled('git');

    test('works', async () => {
      const { home, lead, paths, url } = await prepare();
      await shell(home, `${lead(recipe('git'))}git ls-remote ${url}/project.git || true`);
      expect(paths[0]).toBe('/project.git/info/refs?service=git-upload-pack');
    });
  });

  describe('npm', () => {
    skipUnlessInstalled('npm');

    test('works', async () => {
      const { home, lead, paths, url } = await prepare();
      const env = { npm_config_update_notifier: 'false', npm_config_noproxy: '' };
      const ended = await shell(home, `${lead(recipe('npm'))}npm ping --registry=${url}/`, env);
      expect([ended.code, paths[0]]).toEqual([0, '/-/ping']);
    });
  });

  describe('apt', () => {
    skipUnlessInstalled('apt-get');

    test('works', async () => {
      const { home, lead, paths, url } = await prepare();
      const places = ['Dir::State', 'Dir::Cache'].map((name) => `${name} "${join(home, name.slice(5))}";`);
      for (const path of ['State/lists/partial', 'Cache/archives/partial', 'empty']) {
        mkdirSync(join(home, path), { recursive: true });
      }
      writeFileSync(join(home, 'sources.list'), `deb [trusted=yes] ${url} ./\n`);
      const sources = ['sourcelist "sources.list"', 'sourceparts "empty"', 'parts "empty"', 'main "none"'];
      const others = sources.map((each) => `Dir::Etc::${each.replace('"', `"${home}/`)};`);
      writeFileSync(join(home, 'apt.conf'), [lead(recipe('apt')), ...places, ...others, ''].join('\n'));
      const script = 'apt-get -o APT::Sandbox::User=root -o Acquire::Languages=none update';
      const ended = await shell(home, script, { APT_CONFIG: join(home, 'apt.conf') });
      expect(ended.code, ended.stderr).toBe(0);
      expect(paths).toContain('/./Packages.xz');
    });
  });

  describe('pip, wget and most others', () => {
    skipUnlessInstalled('wget');

    test('works', async () => {
      const { home, lead, paths, url } = await prepare();
      const script = `${lead(recipe('pip, wget'))}wget -q -O - ${url}/wget`;
      expect(await shell(home, script)).toMatchObject({ code: 0, stderr: '' });
      expect(paths).toEqual(['/wget']);
    });
  });

  describe('ssh, through the client that runs, and with URL and token from the configuration file, no matter what else that says', () => {
    skipUnlessInstalled('ssh');

    test('works', async () => {
      const [{ home, tunnel }, echo] = await Promise.all([prepare(), startEcho()]);
      const [folder, bin] = [join(home, '.config', 'wsproxy'), join(home, 'bin')];
      for (const each of [folder, bin]) mkdirSync(each, { recursive: true });
      writeFileSync(join(folder, 'token'), TOKEN, { mode: 0o600 });
      // The ports are those of the client that runs.
      const settings = [`url: ${tunnel.url}`, 'token-file: token', `listen: ${tunnel.port}`, `status: ${tunnel.port}`];
      writeFileSync(join(folder, 'client.yaml'), `${settings.join('\n')}\n`);
      writeFileSync(
        join(bin, 'wsproxy-client'),
        `#!/bin/sh\nexec ${process.execPath} ${scriptOf('wsproxy-client')} "$@"\n`,
      );
      chmodSync(join(bin, 'wsproxy-client'), 0o755);
      const config = join(home, 'ssh-config');
      writeFileSync(config, recipe('ssh, scp'));
      const env = { HOME: home, PATH: `${bin}:${process.env['PATH']}` };
      await tunnel.client.serveControl({ path: join(home, '.wsproxy.sock') });
      for (const [host, proxy] of [
        ['far.example.org', 'wsproxy-client --control ~/.wsproxy.sock -W %h:%p'],
        ['other.example.org', 'wsproxy-client -W %h:%p'],
      ] as const) {
        const asked = await run('ssh', ['-F', config, '-G', '-p', '2222', host], { env });
        const [line = ''] = /^proxycommand (.*)$/m.exec(asked.stdout)?.slice(1) ?? [];
        expect(line).toBe(proxy);
        const command = line.replace('%h', NAME).replace('%p', String(echo.port));
        const ended = await run('sh', ['-c', command], { env, input: 'as ssh speaks' });
        expect(ended).toEqual({ code: 0, signal: null, stdout: 'as ssh speaks', stderr: '' });
      }
    });
  });
});
