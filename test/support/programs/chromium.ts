import { type BrowserContext, chromium, type Page } from 'playwright';
import { atEnd } from '../cleanup/at-end.js';
import { temporaryFolder } from '../temporary-folder.js';
import { CHROMIUM, CHROMIUM_ARGS } from './chromium-program.js';

/** What goes to this machine goes through a proxy as well. */
const ARGS = [...CHROMIUM_ARGS, '--proxy-bypass-list=<-loopback>'];

/** A browser that nobody has used before, closed with the test. Certificates of tests are accepted. */
export function startChromium(...args: string[]): Promise<BrowserContext> {
  return startChromiumBy(CHROMIUM, ...args);
}

/** The same by a program that runs Chromium. */
export function startChromiumBy(program: string, ...args: string[]): Promise<BrowserContext> {
  return launch({ executablePath: program, args: [...ARGS, ...args], ignoreHTTPSErrors: true });
}

/** The browser of a user with this home, who accepts no certificate but of CAs in `.pki/nssdb` there. */
export function startChromiumIn(home: string, ...args: string[]): Promise<BrowserContext> {
  return launch({ executablePath: CHROMIUM, args: [...ARGS, ...args], env: { ...process.env, HOME: home } });
}

async function launch(options: LaunchOptions): Promise<BrowserContext> {
  const browser = await chromium.launchPersistentContext(temporaryFolder(), { ...options, acceptDownloads: true });
  atEnd(() => browser.close());
  return browser;
}

type LaunchOptions = NonNullable<Parameters<typeof chromium.launchPersistentContext>[1]>;

/** Everything that goes wrong on the page from here on: requests that fail, errors of scripts, what the console says. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.url()}: ${response.status()}`);
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => complaints.push(`console: ${message.text()}`));
  return complaints;
}
