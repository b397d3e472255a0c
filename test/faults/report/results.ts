import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Balance } from '../lab/books.js';
import type { Outcome } from '../lab/lab.js';
import type { Scenario } from '../scenario.js';
import { type Spread, spreadOf } from './spread.js';

const FILE = fileURLToPath(new URL('../results.json', import.meta.url));
const CONGESTION_CONTROL = '/proc/sys/net/ipv4/tcp_congestion_control';

/** The last full run of one scenario, as the report tells it. */
export interface Result extends Pick<Outcome, 'peakMemory' | 'left' | 'figures' | 'failures'> {
  readonly title: string;
  readonly date: string;
  readonly seed: string;
  readonly seconds: number;
  readonly machine: string;
  readonly balance: Balance;
  /** By the kind of fault. */
  readonly recoveries: Readonly<Record<string, Spread>>;
}

export type Results = Readonly<Record<string, Result>>;

export function readResults(): Results {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
}

/** Takes the place of an earlier run of the same scenario. */
export function recordResult(scenario: Scenario, seed: string, seconds: number, outcome: Outcome): void {
  const { balance, peakMemory, left, figures, failures } = outcome;
  const result: Result = {
    title: scenario.title,
    date: new Date().toISOString().slice(0, 10),
    seed,
    seconds,
    machine: machine(),
    balance,
    recoveries: Object.fromEntries(
      [...new Set(outcome.recoveries.map(({ kind }) => kind))].map((kind) => [
        kind,
        spreadOf(outcome.recoveries.filter((one) => one.kind === kind).map(({ time }) => time)),
      ]),
    ),
    peakMemory,
    left,
    figures,
    failures,
  };
  writeFileSync(FILE, `${JSON.stringify({ ...readResults(), [scenario.id]: result }, null, 2)}\n`);
}

function machine(): string {
  const { version } = createRequire(import.meta.url)('ws/package.json');
  const [cpu] = cpus();
  const congestion = existsSync(CONGESTION_CONTROL) ? readFileSync(CONGESTION_CONTROL, 'utf8').trim() : 'unknown';
  const hardware = `${cpus().length} × ${cpu?.model}, ${process.platform} ${release()}`;
  return `${hardware}, congestion control ${congestion}, Node ${process.version}, ws ${version}`;
}
