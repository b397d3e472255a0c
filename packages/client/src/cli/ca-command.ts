import { spawnSync } from 'node:child_process';
import { Command } from 'commander';
import { ExitCode, ExitError, escapeText, sayLines } from 'wsproxy-cli';
import type { AuthorityFolder } from '../inspect/ca/authority-folder.js';
import type { CommandWords, TrustStore } from '../inspect/ca/trust-stores.js';

export interface CaContext {
  /** Where the CA of `--inspect` is kept. */
  readonly folder: string;
  readonly home: string;
  readonly self: NodeJS.Process;
}

/** Adds `ca`: what to do with the CA of `--inspect`. */
export function addCaCommand(program: Command, context: CaContext): void {
  const ca = new Command('ca').description('what to do with the CA of --inspect');
  const add = (name: string, description: string, action: (folder: AuthorityFolder) => void | Promise<void>): void => {
    ca.addCommand(new Command(name).description(description).action(async () => action(await openFolder(context))));
  };
  const { stdout } = context.self;
  add('export', 'print its certificate, PEM', (folder) => void stdout.write(found(folder).certificate));
  add('trust', 'have the system and the browsers of this user trust it, or tell how', (folder) =>
    trust(folder, context),
  );
  add('remove', 'have nobody trust it any more, and delete its key and its certificate', (folder) =>
    remove(folder, context),
  );
  program.addCommand(ca);
}

async function openFolder({ folder }: CaContext): Promise<AuthorityFolder> {
  const { AuthorityFolder } = await import('../inspect/ca/authority-folder.js');
  return new AuthorityFolder(folder);
}

function found(folder: AuthorityFolder): { readonly certificate: string; readonly name: string } {
  let authority: ReturnType<AuthorityFolder['find']>;
  try {
    authority = folder.find();
  } catch (error) {
    throw new ExitError(ExitCode.failed, (error as Error).message, { cause: error });
  }
  if (authority !== undefined) return authority;
  throw new ExitError(ExitCode.failed, 'there is no CA yet: start wsproxy-client with --inspect, which makes one');
}

async function trust(folder: AuthorityFolder, context: CaContext): Promise<void> {
  const { name } = found(folder);
  const path = folder.certificatePath;
  const lines = new Lines(context);
  const stores = await storesOf(name, folder, context);
  const { CHROMIUM } = await import('../inspect/ca/trust-stores.js');
  const lacksChromium = context.self.platform === 'linux' && !stores.some(({ whose }) => whose === CHROMIUM);
  for (const store of stores) {
    if (!store.isWithinReach) lines.add(`To have it trusted by ${store.whose}, run:`, store.add);
    else if (runs(store.find)) lines.add(`It is trusted already by ${store.whose}.`);
    else if (store.add.every(runs)) lines.add(`It is trusted now by ${store.whose}.`);
    else lines.add(`This has failed; to have it trusted by ${store.whose}, run:`, store.add);
  }
  if (lacksChromium) lines.add('Chromium and Chrome: start the browser once, then run this command again.');
  lines.add('Programs with CAs of their own are told for each run:', [
    [`NODE_EXTRA_CA_CERTS=${quoted(path)}`, 'node ...'],
    [`SSL_CERT_FILE=${quoted(path)}`, `REQUESTS_CA_BUNDLE=${quoted(path)}`, 'python3 ...'],
    ['curl', '--cacert', path, '...'],
  ]);
  lines.add('Firefox: Settings, Certificates, Import, and this file:', [[path]]);
  lines.add(
    'A client that runs goes on to pass hosts that failed before: press "Try again" in its page, or start it again.',
  );
  lines.add(
    'With it, everybody who has the key can pretend to be the hosts that it is for, and no others. Remove it when you are done:',
    [['wsproxy-client', 'ca', 'remove']],
  );
}

async function remove(folder: AuthorityFolder, context: CaContext): Promise<void> {
  const name = folder.name;
  const lines = new Lines(context);
  const stores = name === undefined ? [] : await storesOf(name, folder, context);
  const trusting = stores.filter(({ find }) => runs(find));
  // The key first: without it, trust is of no use to anybody.
  const isRemoved = folder.remove();
  lines.add(isRemoved ? 'The key and the certificate are deleted.' : 'There is no CA: nothing was deleted.');
  for (const store of trusting) {
    if (!store.isWithinReach) lines.add(`It is still trusted by ${store.whose}; to end that, run:`, store.remove);
    else if (store.remove.every(runs)) lines.add(`It is trusted no more by ${store.whose}.`);
    else lines.add(`This has failed; to have it trusted no more by ${store.whose}, run:`, store.remove);
  }
}

async function storesOf(name: string, folder: AuthorityFolder, { home, self }: CaContext): Promise<TrustStore[]> {
  const { thisMachine, trustStores } = await import('../inspect/ca/trust-stores.js');
  const machine = thisMachine(home, self.env['PATH'] ?? '', self.getuid?.() === 0, self.platform);
  return trustStores({ name, path: folder.certificatePath }, machine);
}

function runs([program = '', ...words]: CommandWords): boolean {
  return spawnSync(program, words, { stdio: 'ignore' }).status === 0;
}

/** What is told, with commands below it. */
class Lines {
  readonly #context: CaContext;

  constructor(context: CaContext) {
    this.#context = context;
  }

  add(text: string, commands: readonly CommandWords[] = []): void {
    const below = commands.map((words) => `  ${words.map(quoted).join(' ')}\n`);
    this.#context.self.stdout.write(`${sayLines(`${text}\n`)}${below.join('')}`);
  }
}

function quoted(word: string): string {
  const shown = escapeText(word, 1024);
  return /^[\w@%+=:,./-]+$|^(node|python3) \.\.\.$|^\w+='?\//.test(shown)
    ? shown
    : `'${shown.replaceAll("'", "'\\''")}'`;
}
