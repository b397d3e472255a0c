import { queryObjects } from 'node:v8';
import { Channel, Session } from 'wsproxy-protocol';
import { liveTimers } from './live-timers.js';
import { livePrograms } from './program.js';
import { until } from './until.js';

/** How many of everything that a test may leave behind there are. */
export type Census = Readonly<Record<string, number>>;

/** Kinds of `process.getActiveResourcesInfo()`; requests, such as a lookup under way, come and go by themselves. */
const HANDLES = ['TCPSocketWrap', 'TCPServerWrap', 'PipeWrap', 'PipeServerWrap', 'TLSWrap', 'ProcessWrap'];
/** What is ended closes a few turns later; a WebSocket whose peer does not answer its close, after 3 s. */
const DEADLINE = 5_000;

export function takeCensus(): Census {
  const resources = process.getActiveResourcesInfo();
  return {
    ...Object.fromEntries(HANDLES.map((kind) => [kind, resources.filter((resource) => resource === kind).length])),
    timers: liveTimers(),
    programs: livePrograms(),
    // Objects that survive a garbage collection; what they hold, replay buffers above all, lives exactly as long.
    sessions: survivors(Session),
    channels: survivors(Channel),
  };
}

/** Nothing is left of what was not there at `before`: no socket, server, timer, program, session, channel or buffer. */
export async function expectClean(before: Census): Promise<void> {
  let left = '';
  try {
    await until(
      'everything is closed',
      () => {
        left = difference(before, takeCensus());
        return left === '';
      },
      DEADLINE,
    );
  } catch {
    throw new Error(`the test has left behind: ${left}`);
  }
}

function difference(before: Census, now: Census): string {
  return Object.entries(now)
    .map(([kind, count]) => ({ kind, surplus: count - (before[kind] ?? 0) }))
    .filter(({ surplus }) => surplus > 0)
    .map(({ kind, surplus }) => `${surplus} ${kind}`)
    .join(', ');
}

// biome-ignore lint/complexity/noBannedTypes: the constructor of any class
function survivors(constructor: Function): number {
  return Number(queryObjects(constructor));
}
