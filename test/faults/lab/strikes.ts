import { setTimeout as pause } from 'node:timers/promises';
import type { Dice } from 'wsproxy-test-support/dice';
import type { Fleet, Place } from './fleet.js';

/** What takes the place until it is over; what comes and goes in a moment may strike meanwhile. */
export interface Strike {
  readonly lasts: boolean;
  readonly inflict: (place: Place) => unknown;
}

/** Longer than it takes to suspect a silent transport, and to make another, ms. */
const SUSPECTED_IN = 8_000;
/** How long a transport stays silent that comes back: shorter and longer than it takes to suspect it, ms. */
const SILENCE = [200, 7_000] as const;
/** How long nobody listens, ms. */
const AWAY = [50, 2_500] as const;
/** How long the place of a killed server is empty, ms: longer than anybody needs to see what it has left. */
const EMPTY = [600, 2_500] as const;
const STOPPED = [100, 3_000] as const;
/** Codes of proxies and servers that restart, and such as mean nothing here. None of them ends a session. */
const CODES = [1000, 1001, 1011, 1012, 1013, 1014, 4999];

/** Everything that may happen to one of several servers, or to the way there, by name. */
export function strikesOn({ client }: Fleet, dice: Dice): Readonly<Record<string, Strike>> {
  const one = <T>(items: readonly T[]): T => items[dice.between(0, items.length)] as T;
  const wait = ([low, high]: readonly [number, number]): Promise<unknown> => pause(dice.between(low, high));
  const stop = async ({ program }: Place['server']): Promise<void> => {
    program.signal('SIGSTOP');
    await wait(STOPPED);
    program.signal('SIGCONT');
  };
  return {
    reset: { lasts: false, inflict: ({ relay }) => relay.cut('reset') },
    end: { lasts: false, inflict: ({ relay }) => relay.cut('end') },
    'close code': { lasts: false, inflict: ({ proxy }) => proxy.close(one(CODES), one(['up', 'down'])) },
    hurry: { lasts: false, inflict: () => client.program.signal('SIGHUP') },
    silence: {
      lasts: true,
      inflict: async ({ relay }) => {
        relay.cut('silence');
        await pause(SUSPECTED_IN);
      },
    },
    'black hole': {
      lasts: true,
      inflict: async ({ relay }) => {
        relay.hold(...one([[], ['up'], ['down']] as const));
        await wait(SILENCE);
        relay.release();
      },
    },
    away: {
      lasts: true,
      inflict: async ({ relay }) => {
        await relay.stop();
        await wait(AWAY);
        await relay.start();
      },
    },
    'stopped server': { lasts: true, inflict: ({ server }) => stop(server) },
    'stopped client': { lasts: true, inflict: () => stop(client) },
    drain: {
      lasts: true,
      inflict: async (place) => {
        place.server.program.signal('SIGTERM');
        const { code } = await place.server.program.ended;
        if (code !== 0) throw new Error(`a server that was to drain has exited with ${code}`);
        await wait(AWAY);
        await place.restart();
      },
    },
    kill: {
      lasts: true,
      inflict: async (place) => {
        place.killedAt = performance.now();
        place.server.program.signal('SIGKILL');
        await place.server.program.ended;
        await wait(EMPTY);
        await place.restart();
      },
    },
  };
}
