import { queryObjects } from 'node:v8';
import { systemMemory } from 'wsproxy-engine';
import { livePrograms } from '../programs/program.js';
import { until } from '../until.js';
import { liveTimers, liveWaits } from './live-timers.js';

/** How many there are of everything that a test may leave behind. */
export type Census = Readonly<Record<string, number>>;

/** Kinds of `process.getActiveResourcesInfo()`; requests, such as a lookup under way, come and go by themselves. */
const HANDLES = ['TCPSocketWrap', 'TCPServerWrap', 'PipeWrap', 'PipeServerWrap', 'TLSWrap', 'ProcessWrap', 'UDPWrap'];
/** What was ended closes a few turns later; a WebSocket whose peer does not answer its close, after 3 s. */
const DEADLINE = 15_000;

export function takeCensus(): Census {
  const resources = process.getActiveResourcesInfo();
  const handles = HANDLES.map((kind) => [kind, resources.filter((resource) => resource === kind).length]);
  return { ...Object.fromEntries(handles), timers: liveTimers(), programs: livePrograms() };
}

/** Nothing is left that was not there at `before`: no socket, no server, no timer, no program. */
export async function expectClean(before: Census): Promise<void> {
  const left = () => {
    // Else its own timer does so, a second later, and once more after another.
    systemMemory.trim();
    return surplus(before, takeCensus());
  };
  await untilEmpty(left, () => `the test has left behind: ${left()}; all timers, ms: ${liveWaits()}`);
}

/**
 * No object of these classes is reachable any more, nor is anything they hold, such as buffers. Collects garbage
 * for the whole process, which takes a while.
 */
export async function expectCollected(classes: readonly { readonly name: string }[]): Promise<void> {
  const left = () => surplus({}, Object.fromEntries(classes.map((each) => [each.name, survivors(each)])));
  await untilEmpty(left, () => `still in memory after their end: ${left()}`);
}

async function untilEmpty(left: () => string, message: () => string): Promise<void> {
  try {
    await until('nothing is left', () => left() === '', DEADLINE);
  } catch (error) {
    throw new Error(message(), { cause: error });
  }
}

function surplus(before: Census, now: Census): string {
  return Object.entries(now)
    .map(([kind, count]) => ({ kind, more: count - (before[kind] ?? 0) }))
    .filter(({ more }) => more > 0)
    .map(({ kind, more }) => `${more} ${kind}`)
    .join(', ');
}

function survivors(ofClass: object): number {
  return typeof ofClass === 'function' ? Number(queryObjects(ofClass)) : 0;
}
