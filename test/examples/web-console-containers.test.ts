import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { buildConsole, openConsolePage, startConsole } from './console-page.js';
import { DATA, message, startContainerClient } from './container-channel.js';
import { startPodman } from './podman.js';

const LOGS = 'echo out; echo problem >&2; exec sleep 600';

beforeAll(buildConsole);

describe('containers in the web console, with the engine of podman', { timeout: 120_000 }, () => {
  skipUnlessInstalled('podman');
  skipUnlessInstalled('pgrep');

  describe('in the page', () => {
    skipUnlessInstalled('chromium');

    test('run commands over lost connections, show logs, and attach, with a mark while the server records', async () => {
      const [podman, recordings] = [await startPodman(), temporaryFolder()];
      await podman.start('web-1', [], '/bin/sh', '-c', LOGS);
      await podman.start('web-2', ['--interactive', '--tty'], '/bin/sh');
      await podman.start('db-1', [], '/bin/sleep', '600');
      const containers = [{ name: 'web-*', may: ['exec', 'attach', 'logs'] }];
      const config = { containers, containerEngine: podman.socket, recordings };
      const { origin, relay, audited } = await startConsole(config);
      const page = await openConsolePage(origin);

      await page.openContainer('web-1', 'exec');
      expect(await page.page.locator('[name=container] option').allTextContents()).toEqual(['web-1', 'web-2']);
      await page.type('echo "shell $$."\n');
      const shell = await page.untilScreen(/^shell (\d+)\.$/m);
      // What the server learns from the shell is for the server alone.
      expect(await page.screen()).not.toMatch(/^\d+$/m);
      await page.page.getByText('● Recorded by the server').waitFor();
      await page.type(`seq 100000; echo "fin$((1+1))"\n`);
      for (let cuts = 0; cuts < 3; cuts++) {
        const { accepted } = relay;
        relay.cut('reset');
        await until('the page comes back', () => relay.accepted > accepted);
      }
      await page.untilScreen(/^99999\n100000\nfin2$/m);
      const countRows = async () => (await page.screen()).split('\n').length;
      const before = await countRows();
      await page.page.setViewportSize({ width: 700, height: 500 });
      await until('the terminal has another size', async () => (await countRows()) < before);
      const rows = await countRows();
      await page.type('echo "shell $$, still."; stty size\n');
      expect(await page.untilScreen(/^shell (\d+), still\.$/m)).toBe(shell);
      expect(await page.untilScreen(/^(\d+) \d+$/m)).toBe(String(rows));
      await page.type('exit 3\n');
      expect(await page.untilOver()).toBe('The command has ended with 3.');

      await page.openContainer('web-1', 'logs');
      await page.untilScreen(/^out$/m);
      await page.untilScreen(/^problem$/m);
      await page.button('Close').click();
      await page.openContainer('web-2', 'attach');
      await page.type('echo "attached $((40+2))"\n');
      await page.untilScreen(/^attached 42$/m);

      await until('the log is closed', () =>
        audited().some(({ event, action }) => event === 'container closed' && action === 'logs'),
      );
      const opened = audited().filter(({ event }) => event === 'container opened');
      expect(opened).toMatchObject([
        { user: 'alice', action: 'exec', container: 'web-1' },
        { user: 'alice', action: 'logs', container: 'web-1' },
        { user: 'alice', action: 'attach', container: 'web-2' },
      ]);
      const file = join(recordings, readdirSync(recordings).sort()[0] ?? '');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const [head = '', ...events] = readFileSync(file, 'utf8').trim().split('\n');
      expect(JSON.parse(head)).toMatchObject({ version: 2, title: 'alice: exec web-1' });
      const text = events.flatMap((line) => (JSON.parse(line)[1] === 'o' ? JSON.parse(line)[2] : [])).join('');
      expect(text).toContain(Array.from({ length: 100_000 }, (_, n) => `${n + 1}\r\n`).join(''));
    });
  });

  test('end what runs in a console that is closed, as the loss of its terminal would, also when the server ends', async () => {
    const podman = await startPodman();
    await podman.start('web-1', [], '/bin/sleep', '600');
    const containers = [{ name: 'web-1', may: ['exec'] }];
    const { origin, program, audited } = await startConsole({ containers, containerEngine: podman.socket });
    const client = startContainerClient(origin);
    // Such programs are of this test alone.
    const sleeps = ['foreground', 'ignores', 'shell', 'command'].map((name, at) => [name, `${at + 1}${process.pid}`]);
    const sleepOf = Object.fromEntries(sleeps);
    const runs = async (name: string) => (await run('pgrep', ['-fx', `sleep ${sleepOf[name]}`])).code === 0;
    const open = async (command: string, typed = '') => {
      const socket = await client.open({ do: 'exec', container: 'web-1', command });
      socket.write(message(DATA, typed));
      socket.resume();
      return socket;
    };
    const ignoring = `(trap "" HUP; exec sleep ${sleepOf['ignores']}) & sleep ${sleepOf['foreground']}`;
    const typedTo = await open('', `${ignoring}\n`);
    await until('they run', async () => (await runs('ignores')) && runs('foreground'));
    typedTo.destroy();
    await until('the shell has ended', async () => !(await runs('foreground')));
    expect(await runs('ignores')).toBe(true);

    await open('', `sleep ${sleepOf['shell']}; :\n`);
    await open(`sleep ${sleepOf['command']}; :`);
    await until('they run', async () => (await runs('shell')) && runs('command'));
    program.signal('SIGTERM');
    expect((await program.ended).code).toBe(0);
    await until('they have ended', async () => !(await runs('shell')) && !(await runs('command')));
    const closed = audited().filter(({ event }) => event === 'container closed');
    expect(closed).toHaveLength(3);
    for (const line of closed) expect(line).not.toHaveProperty('notEnded');
  });

  test('are refused where no rule names them: by another name, by their id, and for what is not allowed', async () => {
    const podman = await startPodman();
    await podman.start('web-1', [], '/bin/sleep', '600');
    const id = await podman.start('db-1', [], '/bin/sleep', '600');
    const containers = [{ name: 'web-*', may: ['logs'] }];
    const { origin, audited } = await startConsole({ containers, containerEngine: podman.socket });
    const { ask } = startContainerClient(origin);
    expect(await ask({ do: 'list' })).toMatchObject({ containers: [{ name: 'web-1', may: ['logs'] }] });
    const refused = [
      { do: 'exec', container: 'web-1' },
      { do: 'logs', container: 'db-1' },
      { do: 'logs', container: id },
      { do: 'logs', container: '../containers/db-1' },
      { do: 'toString', container: 'web-1' },
      { do: 'logs' },
    ];
    for (const wish of refused) expect(await ask(wish)).toEqual({ error: expect.stringMatching(/^You may not /) });
    const countRefused = () => audited().filter(({ event }) => event === 'container refused').length;
    await until('the log has all of them', () => countRefused() === refused.length);
  });
});

describe('without a container engine in its configuration', () => {
  test('the web console has no containers', async () => {
    const { origin } = await startConsole({ containers: [{ name: '*', may: ['exec'] }] });
    await expect(startContainerClient(origin).ask({ do: 'list' })).rejects.toThrow(/host name not found|not allowed/);
  });
});
