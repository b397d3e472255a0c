import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readyPort, scriptOf, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { requestUpgrade } from 'wsproxy-test-support/wire/raw-websocket';

const WRONG = 'another-token-for-tests-0123456789-0123456789';
/** A user without rights, as it is on every Linux. */
const NOBODY = 65_534;

function file(folder: string, name: string, content: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  // Not by writeFile, whose mode the umask changes.
  chmodSync(path, mode);
  return path;
}

const usersLine = `- { id: alice, token: "sha256:${createHash('sha256').update(TOKEN).digest('hex')}" }\n`;

interface Way {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Every way that README, docs and deploy/ name. */
const WAYS: Readonly<Record<string, (folder: string) => Way>> = {
  'in the environment': () => ({ env: { WSPROXY_TOKEN: TOKEN } }),
  'in a file': (folder) => ({ args: ['--token-file', file(folder, 'token', `${TOKEN}\n`)] }),
  'in a users file': (folder) => ({ args: ['--users', file(folder, 'users.yaml', usersLine)] }),
  'in a file that a configuration file names': (folder) => {
    file(folder, 'token', TOKEN);
    return { args: ['--config', file(folder, 'server.yaml', 'token-file: token\n')] };
  },
  'in a users file that a configuration file names': (folder) => {
    file(folder, 'users.yaml', usersLine);
    return { args: ['--config', file(folder, 'server.yaml', 'users: users.yaml\n')] };
  },
  'in a file that the configuration file at its usual place names': (folder) => {
    mkdirSync(join(folder, 'wsproxy'));
    file(join(folder, 'wsproxy'), 'token', TOKEN);
    file(join(folder, 'wsproxy'), 'server.yaml', 'token-file: token\n');
    return { env: { XDG_CONFIG_HOME: folder } };
  },
};

/** Without the token 401, with it 101, no matter what else is tried. */
async function expectAsked(program: Program): Promise<void> {
  const port = await readyPort(program);
  const statuses: number[] = [];
  for (const Authorization of [`Bearer ${TOKEN}`, `Bearer ${WRONG}`, `Basic ${TOKEN}`, 'Bearer', undefined]) {
    const { status, socket } = await requestUpgrade(port, { Authorization });
    socket.destroy();
    statuses.push(status);
  }
  expect(statuses).toEqual([101, 401, 401, 401, 401]);
}

const FLAGS = ['--listen', '127.0.0.1:0', '--log-format', 'json'];

describe('a server asks for the token that it was given', () => {
  test.each(Object.entries(WAYS))('%s', async (_name, way) => {
    const { args = [], env = {} } = way(temporaryFolder());
    await expectAsked(new Program(process.execPath, [scriptOf('wsproxy-server'), ...args, ...FLAGS], { env }));
  });

  describe('through a pipe', () => {
    skipUnlessInstalled('bash');

    test('of the shell', async () => {
      const token = file(temporaryFolder(), 'token', `${TOKEN}\n`);
      const script = 'token=$1; shift; exec "$@" --token-file <(cat "$token")';
      const server = [process.execPath, scriptOf('wsproxy-server'), ...FLAGS];
      await expectAsked(new Program('bash', ['-c', script, 'bash', token, ...server]));
    });
  });

  describe("in a file of root's that its group can read, as systemd's credentials and secrets of Kubernetes are", () => {
    skipUnlessInstalled('setpriv');

    test('and no others', async (context) => {
      if (process.getuid?.() !== 0) context.skip('skipped: only root can hand over such a file');
      const folder = temporaryFolder();
      chmodSync(folder, 0o755);
      const token = file(folder, 'token', TOKEN, 0o440);
      chownSync(token, 0, NOBODY);
      const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', process.execPath];
      const program = new Program('setpriv', [...user, scriptOf('wsproxy-server'), '--token-file', token, ...FLAGS], {
        env: { HOME: folder },
      });
      await expectAsked(program);
    });
  });
});
