import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { scriptOf } from 'wsproxy-test-support/programs/command-line';
import { prepareNginx } from 'wsproxy-test-support/programs/nginx';
import { runOnOwnMachine } from 'wsproxy-test-support/programs/own-machine';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import type { Answers } from '../../packages/server/src/init/answers.js';
import { makeCredentials } from '../../packages/server/src/init/credentials.js';
import { type Machine, planFiles } from '../../packages/server/src/init/plan-files.js';

const NOTHING = { token: undefined, users: undefined };

/** What `init` writes for a service, in a folder; where each belongs is in its name there. */
function writeService(front: Answers['front']): { folder: string; path: (name: string) => string } {
  const folder = temporaryFolder();
  const path = (name: string): string => join(folder, name);
  const machine: Machine = {
    ...{ path: path('server.yaml'), isService: true, hasUnit: false, gid: undefined },
    command: { words: [process.execPath, scriptOf('wsproxy-server')], typed: ['wsproxy-server'] },
  };
  const answers: Answers = { hostName: 'gw.example.net', front, settings: new Map([['path', ['/a/b']]]) };
  for (const file of planFiles(answers, makeCredentials(['alice'], NOTHING), machine)) {
    writeFileSync(path(basename(file.path)), file.text, { mode: file.mode });
  }
  return { folder, path };
}

describe('what init writes', () => {
  skipUnlessInstalled('openssl');

  describe('for systemd', () => {
    skipUnlessInstalled('systemd-analyze');

    test.each(['caddy', 'none'] as const)('is understood in every line: %s', async (front) => {
      const { folder, path } = writeService(front);
      const units = front === 'none' ? ['wsproxy-server.service', 'wsproxy-server.socket'] : ['wsproxy-server.service'];
      const env = { SYSTEMD_UNIT_PATH: `${folder}:` };
      const verified = await run('systemd-analyze', ['verify', '--man=no', ...units.map(path)], { env });
      expect(verified).toMatchObject({ code: 0, stdout: '', stderr: '' });
    });

    test('starts the client of a user', async () => {
      const home = temporaryFolder();
      mkdirSync(join(home, 'a b'));
      const { planFiles: planClient } = await import('../../packages/client/src/init/plan-files.js');
      const words = [process.execPath, scriptOf('wsproxy-client')];
      const [unit] = planClient(
        { setup: { url: 'wss://gw.example.net/', token: 'x' }, settings: new Map(), former: undefined },
        {
          ...{ platform: 'linux', home, configHome: home, path: join(home, 'a b/client.yaml') },
          ...{
            defaultPath: join(home, 'client.yaml'),
            hasSystemd: true,
            hasUnit: false,
            command: { words, typed: words },
          },
        },
      ).slice(-1);
      const path = join(home, 'wsproxy-client.service');
      writeFileSync(path, unit?.text ?? '');
      const env = { XDG_RUNTIME_DIR: temporaryFolder() };
      const verified = await run('systemd-analyze', ['--user', 'verify', '--man=no', path], { env });
      expect(verified).toMatchObject({ code: 0, stdout: '', stderr: '' });
    });
  });

  describe('for Caddy', () => {
    skipUnlessInstalled('caddy');

    test('is valid', async () => {
      const { folder, path } = writeService('caddy');
      const words = ['validate', '--config', path('Caddyfile'), '--adapter', 'caddyfile'];
      expect(await run('caddy', words, { env: { HOME: folder } })).toMatchObject({ code: 0 });
    });
  });

  describe('for nginx', () => {
    skipUnlessInstalled('nginx');

    test('is valid', async () => {
      const { folder, path } = writeService('nginx');
      const { file } = await makeCertificate(folder, 'DNS:gw.example.net', 1);
      const text = readFileSync(path('nginx.conf'), 'utf8')
        .replace('/etc/letsencrypt/live/gw.example.net/fullchain.pem', file)
        .replace('/etc/letsencrypt/live/gw.example.net/privkey.pem', path('key'))
        .replace('/var/log/nginx/', `${folder}/`)
        // It would listen for a moment.
        .replaceAll(
          /listen (\[::\]:)?(443|80)/g,
          (_all, six = '', port) => `listen ${six && '[::1]:'}${six ? '' : '127.0.0.1:'}4${port}`,
        );
      expect(await run('nginx', ['-t', ...prepareNginx(folder, text)])).toMatchObject({ code: 0 });
    });
  });

  describe('for HAProxy', () => {
    skipUnlessInstalled('haproxy');

    test('is valid', async () => {
      const { folder, path } = writeService('haproxy');
      const { cert } = await makeCertificate(folder, 'DNS:gw.example.net', 1);
      writeFileSync(path('pem'), cert + readFileSync(path('key'), 'utf8'));
      const text = readFileSync(path('haproxy.cfg'), 'utf8').replaceAll(
        '/etc/haproxy/certs/gw.example.net.pem',
        path('pem'),
      );
      writeFileSync(path('haproxy.cfg'), text);
      expect(await run('haproxy', ['-c', '-f', path('haproxy.cfg')])).toMatchObject({ code: 0 });
    });
  });
});

describe('a server and a client that init has set up', () => {
  skipUnlessInstalled('caddy');
  skipUnlessInstalled('curl');

  test('carry a download behind a real Caddy, by the commands and the line that init has printed', async (context) => {
    const result = await runOnOwnMachine<{ codes: number[]; errors: string; found: string; length: number }>(
      context,
      new URL('inside/init.ts', import.meta.url),
    );
    expect(result).toMatchObject({ codes: [0, 0], errors: '', length: 100_000 });
    expect(result.found).toMatch(/^[✓!] tls /m);
    expect(result.found).toMatch(/^✓ session /m);
  });
});
