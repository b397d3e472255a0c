// Of `npm run screenshots`: the pictures of the web console in docs/, with an sshd of this machine. Needs Chromium, sshd, vim and top.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { startSshd } from 'wsproxy-test-support/destinations/sshd';
import { buildConsole, openConsolePage, startConsole } from '../test/examples/console-page.js';

const DOCS = fileURLToPath(new URL('../docs', import.meta.url));
const [, , folder = DOCS] = process.argv;
const TEXT = `{
  "origin": "https://console.example.org",
  "users": [
    { "id": "alice", "tokenSha256": "aa26...", "destinations": ["10.1.0.0/16:22"] }
  ]
}
`;

try {
  await takeShots();
} finally {
  await endAll();
}
process.exit();

async function takeShots(): Promise<void> {
  await buildConsole();
  const sshd = await startSshd();
  const { origin, relay } = await startConsole();
  const page = await openConsolePage(origin);
  const shot = (name: string) => page.page.screenshot({ path: join(folder, `${name}.png`) });
  const begin = async (accept?: () => Promise<void>): Promise<void> => {
    await page.openSsh(sshd.port, join(sshd.folder, 'user'));
    await accept?.();
    await page.type("clear; PS1='\\[\\e[32m\\]alice@web\\[\\e[0m\\]:\\[\\e[34m\\]\\w\\[\\e[0m\\]$ '; cd ~; clear\n");
    await page.untilScreen(/^alice@web:~\$$/m);
  };
  writeFileSync(join(sshd.folder, 'console.json'), TEXT);
  await page.page.setViewportSize({ width: 1_000, height: 600 });
  await begin(() => page.acceptHostKey());
  await page.type('top -d 1\n');
  await page.untilScreen(/PID/);
  await begin();
  await page.type('vim -u NONE -n -c "syntax on" -c "set number" console.json\n');
  await page.untilScreen(/tokenSha256/);
  await shot('console-light');

  await page.page.emulateMedia({ colorScheme: 'dark' });
  await page.page.setViewportSize({ width: 390, height: 700 });
  await page.page.getByRole('tab').first().click();
  await page.untilScreen(/PID/);
  await relay.stop();
  await page.page.locator('#app[data-state=away]').waitFor();
  await shot('console-phone');
}
