import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Download, Page } from 'playwright';
import { startSshd } from 'wsproxy-test-support/destinations/sshd';
import { complaintsOf, startChromium } from 'wsproxy-test-support/programs/chromium';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { startExample } from './example.js';

/** Makes the page of the web console, once for a file of tests. */
export async function buildConsole(): Promise<void> {
  const script = fileURLToPath(new URL('../../examples/web-console/build.mjs', import.meta.url));
  const { code, stderr } = await run(process.execPath, [script]);
  if (code !== 0) throw new Error(stderr);
}

export interface ConsoleConfig {
  readonly destinations?: readonly string[];
  readonly containers?: readonly object[];
  readonly containerEngine?: string;
  readonly recordings?: string;
  readonly consoles?: number;
  readonly trustedProxies?: readonly string[];
}

/** The example's server behind a relay that cuts, with alice as its user. */
export async function startConsole(config: ConsoleConfig = {}) {
  const relay = await new CuttingRelay(0).start();
  const folder = temporaryFolder();
  const [origin, audit, file] = [`http://127.0.0.1:${relay.port}`, join(folder, 'audit'), join(folder, 'console.json')];
  const { destinations = ['127.0.0.1:1-65535'], containers, consoles, ...rest } = config;
  const alice = { id: 'alice', tokenSha256: sha256(TOKEN), destinations, containers, consoles };
  const writeUsers = (...users: object[]) => writeFileSync(file, JSON.stringify({ origin, audit, users, ...rest }));
  writeUsers(alice);
  const { program, port } = await startExample('web-console', {}, file);
  relay.target = port;
  const restart = async (): Promise<void> => {
    program.signal('SIGTERM');
    await program.ended;
    relay.target = (await startExample('web-console', {}, file)).port;
  };
  return { relay, restart, origin, program, writeUsers, alice, audited: () => auditedIn(audit) };
}

/** Events of an audit log, in order. */
function auditedIn(file: string): { readonly event: string; readonly [name: string]: unknown }[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** The page in a new browser, with alice logged in. */
export async function openConsolePage(origin: string, start = () => startChromium()): Promise<ConsolePage> {
  const browser = await start();
  await browser.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await browser.newPage();
  // A page with an open console asks before it is closed.
  page.on('dialog', (dialog) => void dialog.accept());
  await page.goto(origin);
  const login = page.locator('#login');
  await login.getByLabel('User').fill('alice');
  await login.getByLabel('Token').fill(TOKEN);
  await login.getByRole('button', { name: 'Log in' }).click();
  await page.locator('#app[data-state=connected]').waitFor();
  return new ConsolePage(page);
}

/** A console with ssh to a real sshd, in a page that has accepted its host key. */
export async function openSshConsole(openPage: (origin: string) => Promise<ConsolePage> = openConsolePage) {
  // It ends last: it waits for the shells, and they for the server.
  const sshd = await startSshd();
  const server = await startConsole();
  const page = await openPage(server.origin);
  await page.openSsh(sshd.port, join(sshd.folder, 'user'));
  await page.acceptHostKey();
  await page.type('PS1="ready:"\n');
  await page.untilScreen(/^ready:$/m);
  return { ...server, sshd, page };
}

/** What a user does with the page. */
export class ConsolePage {
  readonly page: Page;
  readonly complaints: string[];

  constructor(page: Page) {
    this.page = page;
    this.complaints = complaintsOf(page);
  }

  /** Opens a console by ssh with the key in a file; the host key is accepted when the page asks. */
  async openSsh(port: number, keyFile: string, passphrase?: string): Promise<void> {
    const dialog = await this.fillSsh(port);
    await dialog.getByLabel('key file').check();
    await dialog.getByLabel('Private key').setInputFiles(keyFile);
    await this.open(passphrase);
  }

  /** Has the dialog open the console, and waits until that is the one that is shown, or why not: keys went elsewhere before. */
  async open(passphrase?: string): Promise<void> {
    const panels = this.page.locator('.panel');
    const before = await panels.count();
    await this.page.locator('#new-console').getByRole('button', { name: 'Open', exact: true }).click();
    if (passphrase !== undefined) {
      await this.passphrase.fill(passphrase);
      await this.passphrase.press('Enter');
    }
    const mistake = this.page.locator('#new-console .error:not(:empty)');
    await panels.nth(before).or(mistake).first().waitFor();
  }

  get passphrase() {
    return this.page.locator('#question').getByLabel('Passphrase');
  }

  /** The dialog for a new console, with all but the way to log in. */
  async fillSsh(port: number) {
    await this.page.getByRole('button', { name: 'New console' }).click();
    const dialog = this.page.locator('#new-console');
    await dialog.getByLabel('Host').fill('127.0.0.1');
    await dialog.getByLabel('Port').fill(String(port));
    await dialog.getByLabel('User').fill(userInfo().username);
    return dialog;
  }

  async acceptHostKey(): Promise<void> {
    await this.page.getByRole('button', { name: 'It is right' }).click();
  }

  /** Opens a console of a container. */
  async openContainer(name: string, action: string): Promise<void> {
    await this.page.getByRole('button', { name: 'New console' }).click();
    const dialog = this.page.locator('#new-console');
    await dialog.getByLabel('Container', { exact: true }).first().check();
    await dialog.locator('[name=container]').selectOption(name);
    await dialog.locator('[name=action]').selectOption(action);
    await this.open();
  }

  /** What the console that is shown says now, its lines joined where they were wrapped or not. */
  async screen(): Promise<string> {
    const rows = await this.page.locator('.panel:not([hidden]) .xterm-rows > div').allTextContents();
    return rows.map((row) => row.replaceAll('\u00a0', ' ').trimEnd()).join('\n');
  }

  /** Resolves with the first group once the screen has a match. */
  async untilScreen(pattern: RegExp, deadline?: number): Promise<string> {
    const seen = { screen: '' };
    const look = async () => {
      seen.screen = await this.screen();
      return pattern.test(seen.screen);
    };
    await until(`the screen has ${pattern}`, look, deadline).catch((error) => {
      throw new Error(`${error.message}; it has: ${seen.screen}`);
    });
    return pattern.exec(seen.screen)?.[1] ?? '';
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
  }

  /** Which process the shell in the console is. */
  async shell(): Promise<string> {
    await this.type('clear; echo "shell $$."\n');
    return this.untilScreen(/^shell (\d+)\.$/m);
  }

  /** Has the shell write `NUMBERS` and then the name with a 2, as soon as there is a file of this path. */
  async typeNumbers(name: string, gate: string): Promise<void> {
    const numbers = `until [ -e ${gate} ]; do sleep 0.1; done; seq ${COUNT}`;
    await this.type(`echo "${name}$((0+1))"; ${numbers}; echo "${name}$((1+1))"\n`);
  }

  /** Has the page record the console that is shown. */
  async record(): Promise<void> {
    await this.button('Record').click();
    await this.page.locator('.screen:visible').click();
  }

  /** Ends the recording, and gives all output in it. */
  async recorded(): Promise<string> {
    const recording = this.page.waitForEvent('download');
    await this.button('Stop recording').click();
    await this.page.locator('.screen:visible').click();
    const [, ...lines] = String(await this.contentOf(recording))
      .trim()
      .split('\n');
    const events: [number, string, string][] = lines.map((line) => JSON.parse(line));
    return events.flatMap(([, kind, text]) => (kind === 'o' ? [text] : [])).join('');
  }

  /** Why the console that is shown is over. */
  async untilOver(): Promise<string> {
    const end = this.page.locator('.panel:not([hidden]) .end:not(:empty)');
    await end.waitFor();
    return (await end.textContent()) ?? '';
  }

  button(name: string) {
    return this.page.locator('.panel:not([hidden])').getByRole('button', { name, exact: true });
  }

  /** Answers the question of the page for a path. */
  async answerPath(path: string, answer: string): Promise<void> {
    const question = this.page.locator('#question');
    await question.getByLabel('Path').fill(path);
    await question.getByRole('button', { name: answer, exact: true }).click();
  }

  async contentOf(download: Promise<Download>): Promise<Buffer> {
    return readFileSync(await (await download).path());
  }
}

const COUNT = 100_000;
/** As a terminal gets them. */
export const NUMBERS = Array.from({ length: COUNT }, (_, at) => `${at + 1}\r\n`).join('');

export const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
