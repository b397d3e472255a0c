/** Where Debian has it. */
export const CHROMIUM = '/usr/bin/chromium';

/** Nothing but what a test asks for leaves it; `--no-sandbox` since tests may be run by root. */
export const CHROMIUM_ARGS: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
