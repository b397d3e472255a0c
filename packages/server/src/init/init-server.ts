import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ExitCode, ExitError, escapeText, readTokens } from 'wsproxy-cli';
import { type Asker, agreeOnFiles, describeFiles, type Settings, shellWords, writeFiles } from 'wsproxy-cli/init';
import type { Front } from '../options/init-options.js';
import { FRONTS } from '../options/init-options.js';
import { type Answers, listenIn, pathIn, urlOf } from './answers.js';
import { type Credentials, type FormerFiles, makeCredentials, setupLines } from './credentials.js';
import { FRONT_FILES } from './front-file.js';
import { nextSteps } from './next-steps.js';
import { type Machine, planFiles } from './plan-files.js';
import { parsePublicName } from './public-name.js';
import { parseUserNames } from './user-names.js';

/** What the flags of `init` say; the rest is asked for. */
export interface InitFlags {
  readonly hostName?: string;
  readonly front?: Front;
  readonly user?: readonly string[];
  readonly force?: boolean;
}

export interface InitContext {
  readonly flags: InitFlags;
  /** Flags of the server beside them. */
  readonly settings: Settings;
  readonly machine: Machine;
  /** Undefined where nobody can be asked. */
  readonly asker: Asker | undefined;
  readonly write: (text: string) => void;
  /** The text of a users file. @throws ExitError (usage) when others can read or change it */
  readonly readUsersText: (path: string) => string;
  /** The ids in it. @throws ExitError (usage) for a mistake in it */
  readonly idsIn: (path: string, text: string) => readonly string[];
}

/**
 * Writes what a server needs: its configuration, the tokens, the unit and the file of the reverse proxy. Then says what to do
 * next, and prints the line that each client needs.
 */
export async function initServer(context: InitContext): Promise<void> {
  const { flags, machine, asker, write, settings } = context;
  const hostName = await ask(context, flags.hostName, '--host-name', {
    text: 'Host name that clients use, such as proxy.example.org',
    parse: parsePublicName,
  });
  const front = await ask(context, flags.front, '--front', {
    text: `What serves TLS in front of it: ${FRONTS.slice(0, -1).join(', ')}, or none`,
    fallback: FRONTS.find((each) => each !== 'none' && existsSync(dirname(FRONT_FILES[each].home))) ?? FRONTS[0],
    parse: parseFront,
  });
  const users =
    flags.user ??
    (await asker?.ask({
      text: 'Users, with commas between them, or none: one token for everybody',
      fallback: '',
      parse: parseUserNames,
    })) ??
    [];
  const answers: Answers = { hostName, front, settings };
  checkAnswers(answers);
  checkCommand(machine);
  const credentials = makeCredentials(users, readFormer(context));
  const isForced = flags.force === true;
  const files = planFiles(answers, credentials, machine, isForced ? undefined : textOf(machine.path));
  const [secret] = files;
  // What was added to a users file that somebody has written must be right in it.
  if (credentials.setting === 'users' && secret !== undefined) context.idsIn(secret.path, secret.text);
  write(`\nFiles:\n${describeFiles(files)}\n`);
  if (!isForced) checkAccess(machine, credentials);
  const isAsked = asker !== undefined && !isEverythingGiven(flags);
  const isChanged = writeFiles(files, isAsked ? await agreeOnFiles(asker, files, isForced) : isForced);
  write(
    isChanged ? 'The files are written. Next, on this machine:\n\n' : 'Nothing has changed. Next, on this machine:\n\n',
  );
  tell(context, answers, credentials);
}

/** A start with the new files must let in everybody whom the server lets in now. @throws ExitError (failed) when it would not */
function checkAccess({ path }: Machine, { setting }: Credentials): void {
  const text = textOf(path);
  if (text === undefined) return;
  const other = setting === 'users' ? 'token-file' : 'users';
  const [, value] = new RegExp(`^${other}: *(.*\\S)`, 'm').exec(text) ?? [];
  if (value === undefined) return;
  const file = resolve(dirname(path), value);
  if (!existsSync(file)) return;
  const who = setting === 'users' ? 'every client that has the token' : 'every user';
  throw new ExitError(
    ExitCode.failed,
    `${who} of ${escapeText(file, 1024)} would lose access; nothing was written; --force does it all the same`,
  );
}

/** What is no file is told when it is to be written. */
function textOf(path: string): string | undefined {
  return existsSync(path) && statSync(path).isFile() ? readFileSync(path, 'utf8') : undefined;
}

interface Wanted<T> {
  readonly text: string;
  readonly fallback?: string;
  readonly parse: (answer: string) => T;
}

async function ask<T>({ asker }: InitContext, given: T | undefined, flag: string, wanted: Wanted<T>): Promise<T> {
  if (given !== undefined) return given;
  if (asker === undefined) {
    throw new ExitError(ExitCode.usage, `${flag} is missing; without a terminal, init takes its answers from flags`);
  }
  return asker.ask(wanted);
}

function isEverythingGiven({ hostName, front, user }: InitFlags): boolean {
  return hostName !== undefined && front !== undefined && user !== undefined;
}

function parseFront(text: string): Front {
  const front = FRONTS.find((each) => each === text.toLowerCase());
  if (front === undefined) throw new TypeError(`Expected ${FRONTS.join(', ')}.`);
  return front;
}

/** What the file of a reverse proxy cannot say. */
function checkAnswers(answers: Answers): void {
  if (answers.front === 'none') return;
  const wrong = (flag: string, expected: string): ExitError =>
    new ExitError(ExitCode.usage, `${flag}: behind ${answers.front}, init takes ${expected}`);
  if (!/^[^:/]+:\d+$|^\[[\da-f:.]+\]:\d+$/i.test(listenIn(answers))) throw wrong('--listen', 'a port, or host:port');
  if (!/^\/[\w.~/-]*$/.test(pathIn(answers))) throw wrong('--path', 'a path of letters, digits, and any of / . _ ~ -');
}

/** The unit hides what users have. */
function checkCommand({ isService, hasUnit, command }: Machine): void {
  const hidden = command.words.find((path) => /^\/(?:root|home|run\/user)\//.test(path));
  if (!isService || hasUnit || hidden === undefined) return;
  const cure = 'install it for all users, such as into /usr/local/bin (docs/install.md)';
  throw new ExitError(ExitCode.usage, `a service cannot start ${hidden}: ${cure}`);
}

function readFormer({ machine, readUsersText, idsIn }: InitContext): FormerFiles {
  const folder = dirname(machine.path);
  const find = (name: string): string | undefined => {
    const path = join(folder, name);
    // What is no file is told when it is to be written.
    return existsSync(path) && statSync(path).isFile() ? path : undefined;
  };
  const [token, users] = [find('token'), find('users.yaml')];
  const text = users === undefined ? '' : readUsersText(users);
  return {
    token: token === undefined ? token : { text: readFileSync(token, 'utf8'), tokens: readTokens({ file: token }) },
    users: users === undefined ? users : { text, ids: idsIn(users, text) },
  };
}

function tell({ machine, write }: InitContext, answers: Answers, credentials: Credentials): void {
  const steps = nextSteps(answers, credentials, machine);
  write(`${steps.map((step) => `  ${step}\n`).join('')}\n`);
  if (answers.front !== 'none') {
    const { title, home } = FRONT_FILES[answers.front];
    const part = {
      caddy: `the block of ${answers.hostName}`,
      nginx: 'map and the two servers',
      haproxy: 'frontend and backend',
    };
    const kept = machine.isService ? ' in place of the cp line' : '';
    write(`If ${title} serves other sites too, copy only ${part[answers.front]} into ${home}${kept}.\n\n`);
  }
  const lines = setupLines(urlOf(answers), credentials);
  if (lines.length > 0) {
    const each = lines.length > 1 ? 'one of these lines for each user' : 'this line';
    write(
      `On the machine of the client, run wsproxy-client init, and give it ${each}. It holds the token, so keep it secret:\n\n` +
        `${lines.map((line) => `  ${line}\n`).join('')}`,
    );
  }
  const { former } = credentials;
  if (former.length > 0) {
    const commands = former.map((user) => `  ${shellWords([...machine.command.typed, 'token', '--id', user])}\n`);
    const file = join(dirname(machine.path), credentials.file);
    write(`\nThere is no line for ${former.join(', ')}: the users file has no tokens, only their digests.\n`);
    write(
      `This makes a new token, and the line that takes the place of the old one in ${file}:\n\n${commands.join('')}\n`,
    );
    write(`The client then gets ${urlOf(answers)}#TOKEN, with the new token in place of TOKEN.\n`);
  }
}
