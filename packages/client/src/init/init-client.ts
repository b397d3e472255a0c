import { existsSync, readFileSync, statSync } from 'node:fs';
import { ExitCode, ExitError } from 'wsproxy-cli';
import { type Asker, agreeOnFiles, describeFiles, type Settings, shellWords, writeFiles } from 'wsproxy-cli/init';
import { isMap, isSeq, sourceOf, YamlText } from 'wsproxy-cli/yaml';
import { parseSetupLine, type Setup } from 'wsproxy-node/options';
import { nextSteps } from './next-steps.js';
import { type Machine, planFiles, withConfig } from './plan-files.js';

export interface InitContext {
  readonly isForced: boolean;
  /** Flags of the client beside `init`. */
  readonly settings: Settings;
  readonly machine: Machine;
  /** Undefined where nobody can be asked. */
  readonly asker: Asker | undefined;
  /** All that standard input holds. */
  readonly readInput: () => Promise<string>;
  readonly write: (text: string) => void;
  /** Examines the way to the server, and tells that it works. Rejects with ExitError that says why it does not. */
  readonly examine: () => Promise<void>;
}

/** Writes what a client needs, from the line that the server has printed. Then examines the way to the server. */
export async function initClient(context: InitContext): Promise<void> {
  const { machine, asker, write, settings } = context;
  const setup = await readSetup(context);
  const files = planFiles({ setup, settings, former: formerText(machine.path, setup.url) }, machine);
  write(`\nFiles:\n${describeFiles(files)}\n`);
  const { isForced } = context;
  const isChanged = writeFiles(files, asker === undefined ? isForced : await agreeOnFiles(asker, files, isForced));
  write(
    isChanged
      ? 'The files are written. Now the way to the server:\n\n'
      : 'Nothing has changed. Now the way to the server:\n\n',
  );
  await context.examine().catch((error: ExitError) => {
    const look = shellWords([...withConfig(machine.command.typed, machine), 'doctor']);
    throw new ExitError(error.exitCode, [...error.lines, `the files stay; once that is mended, look again: ${look}`]);
  });
  const text = readFileSync(machine.path, 'utf8');
  const ports = { listen: portIn(text, 'listen'), status: portIn(text, 'status') };
  for (const [heading, lines] of nextSteps(machine, ports)) {
    write(`\n${heading}\n${lines.map((line) => `  ${line}\n`).join('')}`);
  }
}

async function readSetup({ asker, readInput }: InitContext): Promise<Setup> {
  if (asker !== undefined) {
    const text = 'Paste the line of wsproxy-server init, and press Enter (it stays hidden)';
    return asker.askSecret({ text, parse: parseSetupLine });
  }
  try {
    return parseSetupLine(await readInput());
  } catch (error) {
    throw new ExitError(ExitCode.usage, `standard input: ${(error as Error).message}`, { cause: error });
  }
}

/** What the configuration file says, if it leads to this server already. */
function formerText(path: string, url: string): string | undefined {
  // What is no file is told when it is to be written.
  if (!existsSync(path) || !statSync(path).isFile()) return undefined;
  const text = readFileSync(path, 'utf8');
  const isSame = valueIn(text, 'url') === url && valueIn(text, 'token-file') === 'token';
  return isSame ? text : undefined;
}

/** Where programs of this machine reach a port of the client; undefined when they cannot, or nobody knows yet. */
function portIn(text: string, name: string): string | undefined {
  const [, host = '127.0.0.1', port = '0'] = /^(?:(.*):)?(\d+)$/.exec(valueIn(text, name) ?? '') ?? [];
  const isEverywhere = ['0.0.0.0', '*', '[::]'].includes(host);
  return port === '0' ? undefined : `${isEverywhere ? '127.0.0.1' : host}:${port}`;
}

/** The value of a setting, or the first of its list. */
function valueIn(text: string, name: string): string | undefined {
  const { contents } = new YamlText(text, { quotes: false });
  if (!isMap(contents)) return undefined;
  const value: unknown = contents.get(name, true);
  return sourceOf(isSeq(value) ? value.items[0] : value);
}
