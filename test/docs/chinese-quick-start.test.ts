import { expect, test } from 'vitest';
import { codeBlocks } from 'wsproxy-test-support/documents';
import { nextSteps as stepsOfClient } from '../../packages/client/src/init/next-steps.js';
import type { Machine as ClientMachine } from '../../packages/client/src/init/plan-files.js';
import { makeCredentials } from '../../packages/server/src/init/credentials.js';
import { nextSteps as stepsOfServer } from '../../packages/server/src/init/next-steps.js';

const TRIED = ['../README.md', 'install.md', 'deploy.md', 'client.md'];
const command = { words: ['x'], typed: ['wsproxy-client'] };

/** Without what a `#` says to people. */
const commandOf = (line: string): string => line.replace(/ +# .*$/, '').trim();
const linesOf = (page: string): string[] =>
  codeBlocks(page)
    .flatMap((block) => block.split('\n'))
    .map(commandOf);

/** What `init` of either program prints for the host of the page. */
function printed(): string[] {
  const answers = { hostName: 'proxy.example.org', front: 'caddy', settings: new Map<string, string[]>() } as const;
  const service = { path: '/etc/wsproxy/server.yaml', isService: true, hasUnit: false, gid: undefined, command };
  const client: ClientMachine = {
    ...{ platform: 'linux', home: '/home/me', configHome: '/home/me/.config', hasSystemd: true, hasUnit: false },
    ...{ path: '/home/me/client.yaml', defaultPath: '/home/me/client.yaml', command },
  };
  return [
    ...stepsOfServer(answers, makeCredentials([], { token: undefined, users: undefined }), service),
    ...stepsOfClient(client, { listen: '127.0.0.1:1080', status: '127.0.0.1:1081' }).flatMap(([, lines]) => lines),
  ].map(commandOf);
}

test('each command of docs/zh/quick-start.md is one of the other documents, or one that init prints', () => {
  const known = new Set([...TRIED.flatMap(linesOf), ...printed()]);
  const shown = linesOf('zh/quick-start.md').filter((line) => line !== '');
  expect(shown.length).toBeGreaterThan(20);
  // The server is installed as the client is.
  const isKnown = (line: string) =>
    known.has(line) ||
    known.has(
      line
        .replaceAll('wsproxy-server-0.1.0-linux-x64', 'wsproxy-client-0.1.0-linux-x64')
        .replace('/wsproxy-server ', '/wsproxy-client '),
    );
  expect(shown.filter((line) => !isKnown(line))).toEqual([]);
});

test('docs/zh/quick-start.md has all that init prints for a service behind Caddy, in its order', () => {
  const steps = printed().slice(0, 9);
  expect(steps.at(-1)).toMatch(/^curl /);
  expect(linesOf('zh/quick-start.md').join('\n')).toContain(steps.join('\n'));
});
