import { describe, expect, test } from 'vitest';
import type { Answers } from '../../src/init/answers.js';
import { makeCredentials, setupLines } from '../../src/init/credentials.js';
import { nextSteps } from '../../src/init/next-steps.js';
import { type Machine, planFiles } from '../../src/init/plan-files.js';

const NOTHING = { token: undefined, users: undefined };
const ALONE: Machine = {
  path: '/home/me/server.yaml',
  isService: false,
  hasUnit: false,
  gid: undefined,
  command: { words: ['/opt/node', '/opt/wsproxy-server.js'], typed: ['wsproxy-server'] },
};
const SERVICE: Machine = { ...ALONE, path: '/etc/wsproxy/server.yaml', isService: true, gid: 990 };

const answersOf = (front: Answers['front'], settings: Record<string, string[]> = {}): Answers => ({
  ...{ hostName: 'gw.example.net', front, settings: new Map(Object.entries(settings)) },
});

function plan(answers: Answers, machine: Machine, users: string[] = []) {
  const credentials = makeCredentials(users, NOTHING);
  const files = planFiles(answers, credentials, machine);
  return { credentials, files, textOf: (name: string) => files.find(({ path }) => path.endsWith(name))?.text };
}

describe('the files of a server', () => {
  test('behind a reverse proxy are settings, token and the file of the proxy, for its user alone', () => {
    const { files, textOf } = plan(answersOf('caddy'), ALONE);
    expect(files.map(({ path, mode }) => [path, mode])).toEqual([
      ['/home/me/token', 0o600],
      ['/home/me/server.yaml', 0o600],
      ['/home/me/Caddyfile', 0o644],
    ]);
    expect(textOf('server.yaml')?.replaceAll(/^#.*\n/gm, '')).toBe(
      'listen: 127.0.0.1:8080\npath: /tunnel\ntoken-file: token\ntrusted-proxy: 127.0.0.1\ndrain: 30s\n',
    );
  });

  test('of a service can be read by its group, and have a unit where no package has one', () => {
    const { files, textOf } = plan(answersOf('nginx'), SERVICE);
    expect(files.map(({ path, mode, gid }) => [path, mode, gid])).toEqual([
      ['/etc/wsproxy/token', 0o640, 990],
      ['/etc/wsproxy/server.yaml', 0o640, 990],
      ['/etc/wsproxy/nginx.conf', 0o644, undefined],
      ['/etc/systemd/system/wsproxy-server.service', 0o644, undefined],
    ]);
    expect(textOf('.service')).toContain(
      '\nExecStart=/opt/node /opt/wsproxy-server.js --config /etc/wsproxy/server.yaml $FLAGS\n',
    );
    expect(plan(answersOf('nginx'), { ...SERVICE, hasUnit: true }).files).toHaveLength(3);
  });

  test('leave a configuration with more settings as it is, and change one that says something else', () => {
    const wanted = plan(answersOf('caddy'), ALONE, ['alice']).textOf('server.yaml') ?? '';
    const textFrom = (former: string) =>
      planFiles(answersOf('caddy'), makeCredentials(['bob'], NOTHING), ALONE, former).find(
        ({ path }) => path === ALONE.path,
      )?.text;
    const edited = `workers: 4\n${wanted.replaceAll(/^#.*\n/gm, '').replace('\n', '   \r\n')}allow: [10.0.0.0/8]\n`;
    expect(textFrom(edited)).toBe(edited);
    expect(textFrom(wanted.replace('/tunnel', '/other'))).toBe(wanted);
    expect(textFrom(wanted.replace('drain:', '# drain:'))).toBe(wanted);
  });

  test.each(['caddy', 'nginx', 'haproxy'] as const)('put the answers into the file for %s', (front) => {
    const { files } = plan(answersOf(front, { listen: ['9000'], path: ['/a/b'] }), ALONE);
    const text = files.at(-1)?.text ?? '';
    expect(text).toContain('gw.example.net');
    expect(text).toMatch(/ \/a\/b\b/);
    expect(text).toContain('127.0.0.1:9000');
    expect(text).not.toMatch(/proxy\.example\.org|\/tunnel|:8080/);
  });

  test('without a reverse proxy have systemd listen, and certbot bring certificates', () => {
    const { files, textOf } = plan(answersOf('none'), SERVICE);
    expect(files.map(({ path }) => path)).toEqual([
      '/etc/wsproxy/token',
      '/etc/wsproxy/server.yaml',
      '/etc/wsproxy/certbot-hook.sh',
      '/etc/systemd/system/wsproxy-server.socket',
      '/etc/systemd/system/wsproxy-server.service',
    ]);
    expect(textOf('server.yaml')).toMatch(/^listen: systemd\n/m);
    expect(textOf('server.yaml')).toMatch(/^tls-cert: fullchain.pem\ntls-key: privkey.pem\n/m);
    expect(textOf('server.yaml')).not.toContain('trusted-proxy');
    expect(textOf('.socket')).toMatch(/^\[Unit\][^]*\nListenStream=443\n/);
  });

  test('have what stands beside init in the configuration', () => {
    const { textOf } = plan(answersOf('caddy', { drain: ['5s'], allow: ['10.0.0.0/8', '*.x'] }), ALONE);
    expect(textOf('server.yaml')).toMatch(/^drain: 5s\nallow: \[10.0.0.0\/8, "\*.x"\]\n/m);
  });
});

describe('those who may come in', () => {
  test('are everybody with the one token, which a second run keeps', () => {
    const first = makeCredentials([], NOTHING);
    const [{ token }] = first.tokens as [{ token: string }];
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(setupLines('wss://a/b', first)).toEqual([`wss://a/b#${token}`]);
    const second = makeCredentials([], { ...NOTHING, token: { text: `${token}\r\n`, tokens: [token] } });
    expect([second.tokens, second.text]).toEqual([[{ token }], `${token}\r\n`]);
  });

  test('are users, whose file has digests alone', () => {
    const { setting, text, tokens } = makeCredentials(['alice', 'bob'], NOTHING);
    expect(setting).toBe('users');
    expect(text).toMatch(/^- \{ id: "alice", token: "sha256:[\da-f]{64}" \}\n- \{ id: "bob", [^\n]*\n$/);
    expect(tokens.map(({ user }) => user)).toEqual(['alice', 'bob']);
    for (const { token } of tokens) expect(text).not.toContain(token);
  });

  test('are more users later, and the former ones stay as they are', () => {
    const there = { text: '- { id: alice, token: "sha256:..." }', ids: ['alice'] };
    const { text, tokens, former } = makeCredentials(['alice', 'carol'], { ...NOTHING, users: there });
    expect(text).toMatch(/^- \{ id: alice, token: "sha256:..." \}\n- \{ id: "carol", /);
    expect([tokens.map(({ user }) => user), former]).toEqual([['carol'], ['alice']]);
  });
});

describe('what comes next', () => {
  const stepsOf = (answers: Answers, machine: Machine): string[] =>
    nextSteps(answers, makeCredentials([], NOTHING), machine);

  test('starts the service, and then the reverse proxy', () => {
    expect(stepsOf(answersOf('caddy'), { ...SERVICE, hasUnit: true })).toEqual([
      'systemctl daemon-reload',
      'systemctl enable wsproxy-server',
      'systemctl restart wsproxy-server',
      'cp --backup /etc/wsproxy/Caddyfile /etc/caddy/Caddyfile',
      'systemctl reload-or-restart caddy',
      "curl -s -o /dev/null -w '%{http_code}\\n' https://gw.example.net/tunnel   # 401: the server is there, and wants the token",
    ]);
  });

  test.each(['nginx', 'haproxy', 'none'] as const)('gets a certificate first: %s', (front) => {
    const steps = stepsOf(answersOf(front), SERVICE).join('\n');
    expect(steps).toMatch(/^certbot certonly .* -d gw\.example\.net --deploy-hook /m);
  });

  test('makes the group that may read the secrets, where there is none', () => {
    const service = { ...SERVICE, gid: undefined };
    expect(stepsOf(answersOf('caddy'), service).slice(0, 3)).toEqual([
      'groupadd --system wsproxy',
      'chgrp wsproxy /etc/wsproxy /etc/wsproxy/server.yaml /etc/wsproxy/token',
      'chmod g+rX /etc/wsproxy /etc/wsproxy/server.yaml /etc/wsproxy/token',
    ]);
    // Until then root alone reads them: a second run finds them as they must be.
    const { files } = plan(answersOf('caddy'), service);
    expect(files.slice(0, 2).map(({ mode, folderMode }) => [mode, folderMode])).toEqual([
      [0o600, 0o700],
      [0o600, 0o700],
    ]);
  });

  test('runs both in terminals where nothing runs services', () => {
    expect(stepsOf(answersOf('caddy'), ALONE).slice(0, 2)).toEqual([
      'wsproxy-server --config /home/me/server.yaml',
      'caddy run --config /home/me/Caddyfile',
    ]);
  });
});
