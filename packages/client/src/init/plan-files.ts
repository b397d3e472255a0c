import { dirname, join } from 'node:path';
import { type PlannedFile, type ProgramCommand, type Settings, settingLine, unitText } from 'wsproxy-cli/init';
import type { Setup } from 'wsproxy-node/options';
import { LAUNCHD_LIST, SYSTEMD_UNIT } from './deploy-files.js';

/** Where the client is to run. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  /** Of the configuration file. */
  readonly path: string;
  /** The one that the client looks for. */
  readonly defaultPath: string;
  /** Where the user's configuration is: `~/.config`. */
  readonly configHome: string;
  /** Whether systemd runs here. */
  readonly hasSystemd: boolean;
  /** Whether a package has brought the unit. */
  readonly hasUnit: boolean;
  readonly command: ProgramCommand;
}

/** What the client is to do. */
export interface Wanted {
  readonly setup: Setup;
  /** Flags of the client beside `init`; they go into the configuration file. */
  readonly settings: Settings;
  /** What the configuration file says now, if it is there and leads to the same server: without flags, it stays as it is. */
  readonly former: string | undefined;
}

/** Everything that `init` writes, in the order in which it tells that. */
export function planFiles({ setup, settings, former }: Wanted, machine: Machine): PlannedFile[] {
  const { path } = machine;
  const own = { mode: 0o600, folderMode: 0o700 };
  const text = former !== undefined && settings.size === 0 ? former : settingsText(setup.url, settings);
  return [
    { path: join(dirname(path), 'token'), text: `${setup.token}\n`, what: 'the token, a secret', ...own },
    { path, text, what: 'the configuration of the client', ...own },
    ...loginFiles(machine),
  ];
}

/** A command that starts the client, with its configuration. */
export function withConfig(words: readonly string[], { path, defaultPath }: Machine): string[] {
  return path === defaultPath ? [...words] : [...words, '--config', path];
}

/** Where launchd looks for what it starts with the session. */
export function launchdPath({ home }: Machine): string {
  return join(home, 'Library/LaunchAgents/org.wsproxy.client.plist');
}

function settingsText(url: string, settings: Settings): string {
  const all = new Map([
    ['url', [url]],
    ['token-file', ['token']],
    ['listen', ['127.0.0.1:1080']],
    ['status', ['127.0.0.1:1081']],
    ...settings,
  ]);
  const head = '# Settings of wsproxy-client, written by wsproxy-client init. Every long flag can be a setting.\n';
  return head + [...all].map(([name, values]) => settingLine(name, values)).join('');
}

/** What starts the client with the session of the user. */
function loginFiles(machine: Machine): PlannedFile[] {
  const { platform, hasSystemd, hasUnit, configHome, path, defaultPath, home } = machine;
  const words = withConfig(machine.command.words, machine);
  const what = 'starts the client when you log in';
  if (hasSystemd && !(hasUnit && path === defaultPath)) {
    const unit = join(configHome, 'systemd/user/wsproxy-client.service');
    return [{ path: unit, text: unitText(SYSTEMD_UNIT, words), what, mode: 0o644 }];
  }
  if (platform !== 'darwin') return [];
  return [{ path: launchdPath(machine), text: launchdText(words, home), what, mode: 0o644 }];
}

/** The property list of deploy/ with this program and this home. */
function launchdText(words: readonly string[], home: string): string {
  const strings = words.map((word) => `    <string>${escapeXml(word)}</string>\n`).join('');
  return LAUNCHD_LIST.replace(/<!--[\s\S]*?-->\n/, '')
    .replace(
      /(<key>ProgramArguments<\/key>\n {2}<array>\n)[\s\S]*?( {2}<\/array>)/,
      (_, begin, end) => begin + strings + end,
    )
    .replace('/Users/YOU', () => escapeXml(home));
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
