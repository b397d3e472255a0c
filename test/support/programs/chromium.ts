import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { atEnd } from '../cleanup/at-end.js';
import { temporaryFolder } from '../temporary-folder.js';

const PROGRAM = '/usr/bin/chromium';
/** Nothing but what a test asks for goes through the proxy; and this machine does. */
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--proxy-bypass-list=<-loopback>',
];

/** A browser that nobody has used before, closed with the test. Certificates of tests are accepted. */
export async function startChromium(...args: string[]): Promise<BrowserContext> {
  const browser = await chromium.launchPersistentContext(temporaryFolder(), {
    executablePath: PROGRAM,
    args: [...ARGS, ...args],
    ignoreHTTPSErrors: true,
    acceptDownloads: true,
  });
  atEnd(() => browser.close());
  return browser;
}

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
