import { silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { MemoryStore } from '../../src/store/memory-store.js';
import { Sharing } from '../../src/store/sharing.js';
import { StoreError } from '../../src/store/store.js';

/** Several processes that share a store in memory, by a clock of the test's. */
export class SharedWorld {
  readonly clock: FakeClock = new FakeClock();
  readonly memory: MemoryStore = new MemoryStore(this.clock);

  async begin(uid: string): Promise<SharingProcess> {
    const way = { isCutOff: false };
    const entrance = this.memory.enter(uid);
    const store = new Proxy(entrance, {
      get: (target, method) => {
        const call = Reflect.get(target, method).bind(target);
        if (method === 'watch' || method === 'close') return call;
        return (...args: unknown[]) =>
          way.isCutOff ? Promise.reject(new StoreError('away', 'cut off')) : call(...args);
      },
    });
    const sharing = new Sharing({
      ...{ store, clock: this.clock, self: { node: uid, address: '' }, away: 'admit', logger: silentLogger },
      onRevoked: () => {},
    });
    await sharing.begin();
    atEnd(() => sharing.close());
    return Object.assign(way, { sharing });
  }

  /** So much time passes, and all that is decided is told. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    do {
      this.clock.advance(Math.min(500, end - this.clock.now()));
      await new Promise(setImmediate);
    } while (this.clock.now() < end);
  }
}

/** One of them. */
export interface SharingProcess {
  readonly sharing: Sharing;
  /** It does not reach the store. */
  isCutOff: boolean;
}
