import type { FakeClock } from 'wsproxy-engine/testing';
import type { Store } from '../../src/store/store.js';

/** The store, each of whose calls goes by `call`. */
export function behindCalls(store: Store, call: <T>(run: () => Promise<T>) => Promise<T>): Store {
  return {
    add: (fact) => call(() => store.add(fact)),
    take: (wants) => call(() => store.take(wants)),
    give: (holdings) => call(() => store.give(holdings)),
    read: (mark) => call(() => store.read(mark)),
    find: (keys) => call(() => store.find(keys)),
    spend: (month, sums) => call(() => store.spend(month, sums)),
    addTicket: (ticket) => call(() => store.addTicket(ticket)),
    spendTicket: (digest) => call(() => store.spendTicket(digest)),
    watch: (onNews) => store.watch(onNews),
    close: () => store.close(),
  };
}

/** Lets everything that is decided be told, and time pass, in steps of so many ms. */
export async function passInSteps(clock: FakeClock, step: number, ms: number): Promise<void> {
  await new Promise(setImmediate);
  for (let left = ms; left > 0; left -= step) {
    clock.advance(Math.min(step, left));
    await new Promise(setImmediate);
  }
}
