/**
 * Carries standard input and output through a client that runs already, if that is what the command line asks for and there
 * is one: without anything else that the program can do, since most of what it takes to start is to load that. False when it is
 * the whole program's turn; nothing was read then, and nothing told.
 */
export async function takeShortWay(program: NodeJS.Process): Promise<boolean> {
  const asked = readShortWay(program.argv.slice(2));
  if (asked === undefined || program.platform === 'win32') return false;
  const { path, target } = asked;
  const { enterControl } = await import('./enter-control.js');
  const stream = await enterControl(path, target).catch(() => undefined);
  if (stream === undefined) return false;
  const { carryStdio } = await import('./carry-stdio.js');
  const { runToEnd } = await import('wsproxy-cli/process');
  await runToEnd('wsproxy-client', program.env, () => carryStdio(stream, target, program));
  return true;
}

/** What a command line asks for that has -W and --control; undefined when it has more than is known here. */
export function readShortWay(words: readonly string[]): ShortWay | undefined {
  const found = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (URL.test(word) || SWITCHES.has(word)) continue;
    const [, name = '', joined] = /^(--[a-z-]+)(?:=(.*))?$/s.exec(word) ?? /^(-W)(.+)?$/s.exec(word) ?? [];
    const key = VALUES[name];
    const value = joined ?? words[++at] ?? '';
    // What looks like a mistake is one for the whole program to tell.
    if (key === undefined || value === '' || value.startsWith('-') || found.has(key)) return undefined;
    found.set(key, value);
  }
  const [path, target] = [found.get('control'), found.get('stdio')];
  if (path === undefined || target === undefined) return undefined;
  return { path, target };
}

interface ShortWay {
  /** Of the control socket. */
  readonly path: string;
  readonly target: string;
}

/** Of what a `ProxyCommand` gives: flags with a value, and those without one. With a client that runs, the rest counts for nothing. */
const VALUES: Readonly<Record<string, string>> = {
  '-W': 'stdio',
  '--stdio': 'stdio',
  '--control': 'control',
  '--config': 'config',
  '--token-file': 'token',
  '--token-command': 'tokenCommand',
  '--lang': 'lang',
};
const SWITCHES: ReadonlySet<string> = new Set(['-N', '--insecure']);
const URL = /^wss?:\/\/./;
