// Loaded into a program under test (`--import`), to see from outside what only the process itself knows, and to set its
// clock. A request is a file and SIGUSR2; the answer replaces the file `${WSPROXY_PROBE}.answer`.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { liveTimers, liveWaits, watchTimers } from '../cleanup/live-timers.js';

const { WSPROXY_PROBE: file } = process.env;
const RealDate = Date;
const { now } = Date;
let shift = 0;

/** The time of day as somebody has set it; everything that counts from the start of the machine is left alone. */
globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(now() + shift);
    else super(...args);
  }

  static now() {
    return now() + shift;
  }
};

watchTimers();
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

process.on('SIGUSR2', () => {
  ({ shift } = JSON.parse(readFileSync(file, 'utf8')));
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const answer = { timers: liveTimers(), waits: liveWaits(), heap: heapUsed + arrayBuffers };
  writeFileSync(`${file}.new`, JSON.stringify(answer));
  renameSync(`${file}.new`, `${file}.answer`);
});
