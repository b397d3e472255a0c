import { expect, test } from 'vitest';
import { effort } from 'wsproxy-test-support/engine/effort';
import { Random } from 'wsproxy-test-support/engine/random';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { ReceiveWindow } from '../../src/flow/receive-window.js';
import { SendWindow } from '../../src/flow/send-window.js';

const BASE = 16;
const INITIAL = 256;

type Up = { readonly data: number } | { readonly seen: number; readonly keep: number };
type Down = { readonly window: number } | { readonly seen: number; readonly limit: number };

/**
 * Both ends of one direction of a channel, and what is under way between them. Control and data keep their order on a
 * transport; with a transport all of it is lost, data is sent again, and limits and returns that stand are told again.
 */
class Walk {
  readonly random: Random;
  readonly budget = new MemoryBudget(100_000);
  readonly sender = new SendWindow(BASE);
  readonly receiver = new ReceiveWindow({ base: BASE, initial: INITIAL, max: 2_048, budget: this.budget }, 0);
  now = 0;
  consumed = 0;
  applied = 0;
  #sent: number[] = [];
  #processed = 0;
  #told = false;
  #up: Up[] = [];
  #down: Down[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
    this.sender.raise(this.receiver.open());
  }

  get isQuiet(): boolean {
    return this.#up.length + this.#down.length === 0;
  }

  send(bytes: number): void {
    const data = Math.min(bytes, this.sender.credit);
    if (data <= 0) return;
    this.sender.spend(data);
    this.#sent.push(data);
    this.#up.push({ data });
  }

  giveBack(): void {
    if (this.sender.giveBack(BASE)) this.#tellReturn();
  }

  take(bytes: number): void {
    const taken = Math.min(bytes, this.receiver.received - this.consumed);
    if (taken <= 0) return;
    this.consumed += taken;
    this.#tellLimit(this.receiver.consume(taken, this.now, 50));
  }

  widen(): void {
    this.#tellLimit(this.receiver.widen());
  }

  deliverUp(): void {
    const one = this.#up.shift();
    if (one === undefined) return;
    if ('data' in one) {
      this.#processed += 1;
      if (!this.receiver.receive(one.data)) throw new Error('data beyond the limit');
      return;
    }
    const before = this.receiver.limit;
    this.receiver.takeBack(one.seen, one.keep, this.now);
    if (this.receiver.limit < before) this.applied += 1;
    this.#down.push({ seen: one.seen, limit: this.receiver.limit });
  }

  deliverDown(): void {
    const one = this.#down.shift();
    if (one === undefined) return;
    if ('window' in one) this.sender.raise(one.window);
    else this.sender.settle(one.seen, one.limit);
  }

  lose(): void {
    this.#up = this.#sent.slice(this.#processed).map((data) => ({ data }));
    this.#down = this.#told ? [{ window: this.receiver.limit }] : [];
    // Control frames go before what is replayed, as in the outbox.
    const replayed = this.#up.splice(0);
    if (this.sender.returning !== undefined) this.#tellReturn();
    this.#up.push(...replayed);
  }

  check(): void {
    const { sender, receiver } = this;
    const mayBeSent = sender.sent + sender.credit;
    if (sender.returning === undefined && mayBeSent > receiver.limit)
      throw new Error('the sender believes in too much');
    const promised = receiver.limit - this.consumed;
    if (promised > BASE + this.budget.reserved) throw new Error('more is promised than reserved');
  }

  #tellReturn(): void {
    const { returning } = this.sender;
    if (returning !== undefined) this.#up.push(returning);
  }

  #tellLimit(isDue: boolean): void {
    if (!isDue) return;
    this.#told = true;
    this.#down.push({ window: this.receiver.limit });
  }
}

function step(walk: Walk): void {
  const { random } = walk;
  const kind = random.below(100);
  walk.now += random.below(30);
  if (kind < 25) walk.send(1 + random.below(40));
  else if (kind < 50) walk.deliverUp();
  else if (kind < 70) walk.deliverDown();
  else if (kind < 85) walk.take(1 + random.below(60));
  else if (kind < 93) walk.giveBack();
  else if (kind < 95) walk.lose();
  else if (kind < 98) walk.widen();
  else walk.now += 15_000;
}

/** Everything arrives and is taken; how much can then be sent, if all that follows is taken too. */
function flow(walk: Walk): number {
  while (!walk.isQuiet) {
    walk.deliverUp();
    walk.deliverDown();
    walk.take(1_000_000);
  }
  const before = walk.sender.sent;
  for (let n = 0; n < 200; n++) {
    walk.send(8);
    walk.deliverUp();
    walk.take(1_000_000);
    walk.deliverDown();
  }
  return walk.sender.sent - before;
}

test('credit that is given back is never used, nor missed by either end, no matter what is lost', () => {
  let applied = 0;
  for (let seed = 1; seed <= effort('SEEDS', 5_000); seed++) {
    const walk = new Walk(seed);
    try {
      for (let n = 0; n < 400; n++) {
        step(walk);
        walk.check();
      }
      if (flow(walk) < 1_000) throw new Error('stuck');
      walk.receiver.close();
      if (walk.budget.reserved !== 0) throw new Error(`${walk.budget.reserved} bytes stay reserved`);
    } catch (error) {
      throw new Error(`SEED=${seed}: ${String(error)}`, { cause: error });
    }
    applied += walk.applied;
  }
  expect(applied).toBeGreaterThan(1_000);
}, 60_000);

test('a return is answered once, and the answer to another one changes nothing', () => {
  const sender = new SendWindow(1_000);
  sender.spend(100);
  expect(sender.giveBack(BASE)).toBe(true);
  expect(sender.returning).toEqual({ seen: 1_000, keep: 100 + BASE });
  expect([sender.giveBack(0), sender.credit]).toEqual([false, BASE]);
  sender.settle(999, 5_000);
  sender.raise(1_000);
  expect([sender.credit, sender.returning?.seen]).toEqual([BASE, 1_000]);
  sender.settle(1_000, 100 + BASE);
  expect([sender.credit, sender.returning]).toEqual([BASE, undefined]);
});

test('a limit that crosses a return stands, and ends it', () => {
  const sender = new SendWindow(1_000);
  sender.giveBack(BASE);
  sender.raise(1_500);
  expect([sender.credit, sender.returning]).toEqual([1_500, undefined]);
  sender.settle(1_000, 1_200);
  expect(sender.credit).toBe(1_500);
});

test('no more than what is left over is given back', () => {
  const sender = new SendWindow(BASE);
  expect(sender.giveBack(BASE)).toBe(false);
  sender.raise(BASE + 1);
  expect(sender.giveBack(BASE)).toBe(true);
});

test('a return that is told again, when its limit has come to be the newest once more, leaves the base', () => {
  const window = new ReceiveWindow({ base: BASE, initial: INITIAL, max: 1_000, budget: new MemoryBudget(10_000) }, 0);
  window.open();
  window.takeBack(INITIAL, BASE, 0);
  window.receive(BASE);
  window.consume(BASE, 0, 50);
  window.takeBack(window.limit, BASE, 0);
  expect(window.limit).toBe(2 * BASE);
});

test('a receiver takes back neither what has come, nor more than it gave, nor by an old limit', () => {
  const budget = new MemoryBudget(10_000);
  const window = new ReceiveWindow({ base: BASE, initial: INITIAL, max: 1_000, budget }, 0);
  window.open();
  window.receive(100);
  for (const [seen, keep] of [
    [INITIAL, 99],
    [INITIAL, INITIAL + 1],
    [INITIAL - 1, 150],
    [INITIAL + 1, 150],
  ] as const) {
    window.takeBack(seen, keep, 0);
    expect([window.limit, window.size]).toEqual([INITIAL, INITIAL]);
  }
  window.takeBack(INITIAL, 116, 0);
  // What has come and was not taken stays reserved.
  expect([window.limit, window.size, budget.reserved]).toEqual([116, BASE, 100]);
});
