// Run on a machine of its own: a console by ssh in a browser on another machine, which goes from one network to another while
// output waits for it. Prints the addresses that the browser had, and what the shell and its output came to.
import { chmodSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { startChromiumBy } from 'wsproxy-test-support/programs/chromium';
import { CHROMIUM } from 'wsproxy-test-support/programs/chromium-program';
import { connectMachines, here, startMachine } from 'wsproxy-test-support/programs/second-machine';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { buildConsole, NUMBERS, openConsolePage, openSshConsole } from '../console-page.js';

const SERVER = '10.90.0.1';

const folder = temporaryFolder();
const browser = await startMachine();
const program = join(folder, 'chromium');
writeFileSync(program, `#!/bin/sh\nexec ${browser.within.join(' ')} ${CHROMIUM} "$@"\n`);
chmodSync(program, 0o755);
await here.sh(`ip address add ${SERVER}/32 dev lo`);

async function enter(name: string, network: string): Promise<void> {
  await connectMachines(browser, here, name, network);
  await browser.sh(`ip route add default via ${network}.2`);
}

const addresses = new Set<string>();

/** The page in the browser. It is safe for a browser only on its own machine, so its address leads from there to this one. */
async function openPage(origin: string) {
  const port = Number(new URL(origin).port);
  await listen(
    (socket) => {
      addresses.add(socket.remoteAddress ?? '');
      const onward = connect(port, '127.0.0.1');
      socket.pipe(onward).pipe(socket);
      for (const end of [socket, onward]) end.on('error', () => {});
    },
    { host: SERVER, port },
  );
  return openConsolePage(origin, () => startChromiumBy(program, `--host-resolver-rules=MAP 127.0.0.1 ${SERVER}`));
}

await buildConsole();
await enter('wifi', '10.91.0');
const { page } = await openSshConsole(openPage);
const shell = await page.shell();
await page.record();
const gate = join(folder, 'gate');
await page.typeNumbers('moved', gate);
await page.untilScreen(/^moved1$/m);
await browser.sh('ip address flush dev wifi; ip link set wifi down');
writeFileSync(gate, '');
await page.type('echo "typed meanwhile"\n');
await enter('mobile', '10.92.0');
const start = performance.now();
await page.untilScreen(/^typed meanwhile$/m, 60_000);
const away = performance.now() - start;
const output = await page.recorded();
const isWhole = output.includes(`moved1\r\n${NUMBERS}moved2\r\n`);
const isSameShell = (await page.shell()) === shell;
await endAll();
process.stdout.write(`${JSON.stringify({ addresses: [...addresses], isSameShell, isWhole, away })}\n`);
process.exit();
