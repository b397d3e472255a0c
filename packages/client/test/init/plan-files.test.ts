import { describe, expect, test } from 'vitest';
import { nextSteps } from '../../src/init/next-steps.js';
import { type Machine, planFiles } from '../../src/init/plan-files.js';

const TOKEN = 'a-token-for-tests-0123456789-abcdefghij';
const setup = { url: 'wss://gw.example.net/tunnel', token: TOKEN };
const LINUX: Machine = {
  platform: 'linux',
  home: '/home/me',
  configHome: '/home/me/.config',
  path: '/home/me/.config/wsproxy/client.yaml',
  defaultPath: '/home/me/.config/wsproxy/client.yaml',
  hasSystemd: true,
  hasUnit: false,
  command: { words: ['/opt/node', '/opt/wsproxy-client.js'], typed: ['wsproxy-client'] },
};
const NONE = new Map<string, string[]>();
const PORTS = { listen: '127.0.0.1:1080', status: '127.0.0.1:1081' };

const plan = (machine: Machine, settings = NONE, former?: string) =>
  planFiles({ setup, settings, former }, machine).map(({ path, mode, text }) => ({ path, mode, text }));

describe('the files of a client', () => {
  test('are its token and its settings, for its user alone, and a unit', () => {
    const [token, settings, unit] = plan(LINUX);
    expect(token).toEqual({ path: '/home/me/.config/wsproxy/token', mode: 0o600, text: `${TOKEN}\n` });
    expect(settings).toMatchObject({ path: LINUX.path, mode: 0o600 });
    expect(settings?.text.replace(/^#.*\n/, '')).toBe(
      'url: wss://gw.example.net/tunnel\ntoken-file: token\nlisten: 127.0.0.1:1080\nstatus: 127.0.0.1:1081\n',
    );
    expect(unit?.path).toBe('/home/me/.config/systemd/user/wsproxy-client.service');
    expect(unit?.text).toContain('\nExecStart=/opt/node /opt/wsproxy-client.js\n');
  });

  test('have what stands beside init in the settings', () => {
    const [, settings] = plan(LINUX, new Map([...NONE, ['listen', ['1090']], ['ca', ['/root.pem']]]));
    expect(settings?.text).toMatch(/^listen: 1090\nstatus: 127.0.0.1:1081\nca: \/root.pem\n/m);
  });

  test('keep settings that lead to the same server already, unless something stands beside init', () => {
    expect(plan(LINUX, NONE, 'of the user')[1]?.text).toBe('of the user');
    expect(plan(LINUX, new Map([['listen', ['1090']]]), 'of the user')[1]?.text).not.toContain('of the user');
  });

  test('have no unit where a package has brought it, but for settings elsewhere', () => {
    expect(plan({ ...LINUX, hasUnit: true })).toHaveLength(2);
    const [, , unit] = plan({ ...LINUX, hasUnit: true, path: '/srv/client.yaml' });
    expect(unit?.text).toContain('\nExecStart=/opt/node /opt/wsproxy-client.js --config /srv/client.yaml\n');
    expect(plan({ ...LINUX, hasSystemd: false })).toHaveLength(2);
  });

  test('have a property list on a Mac, with this program and this home', () => {
    const mac = { ...LINUX, platform: 'darwin', hasSystemd: false, home: '/Users/a&b' } as const;
    const [, , list] = plan(mac);
    expect(list?.path).toBe('/Users/a&b/Library/LaunchAgents/org.wsproxy.client.plist');
    expect(list?.text).toMatch(
      /<array>\s*<string>\/opt\/node<\/string>\s*<string>\/opt\/wsproxy-client.js<\/string>\s*<\/array>/,
    );
    expect(list?.text).toContain('<string>/Users/a&amp;b/Library/Logs/wsproxy-client.log</string>');
    expect(list?.text).not.toMatch(/YOU|Install as/);
  });
});

describe('what comes next', () => {
  const textOf = (machine: Machine, ports = PORTS) =>
    nextSteps(machine, ports)
      .map(([heading, lines]) => `${heading}\n${lines.join('\n')}`)
      .join('\n');

  test.each([
    [LINUX, /^systemctl --user daemon-reload && systemctl --user enable --now wsproxy-client$/m],
    [
      { ...LINUX, platform: 'darwin', hasSystemd: false },
      /not tested on a Mac yet\):\nlaunchctl bootstrap "gui\/\$\(id -u\)" /,
    ],
    [
      { ...LINUX, platform: 'win32', hasSystemd: false },
      /not tested on Windows yet\):\nschtasks \/Create \/SC ONLOGON .*\\"\/opt\/node\\"/,
    ],
  ] as const)('starts the client with the session: %j', (machine, line) => {
    expect(textOf(machine)).toMatch(/^Start it now:\nwsproxy-client$/m);
    expect(textOf(machine)).toMatch(line);
  });

  test('sets programs up for the ports of the settings', () => {
    const text = textOf(LINUX, { listen: '127.0.0.1:1090', status: '127.0.0.1:1091' });
    expect(text).toContain('\nchromium --proxy-server=socks5://127.0.0.1:1090\n');
    expect(text).toContain('\nhttp://127.0.0.1:1091/proxy.pac\n');
    expect(text).toContain('\ncurl -x socks5h://127.0.0.1:1090 https://example.com/\n');
  });

  test('says nothing of ports that there are not', () => {
    expect(nextSteps({ ...LINUX, hasSystemd: false }, { listen: undefined, status: undefined })).toEqual([
      ['Start it now:', ['wsproxy-client']],
    ]);
  });
});
