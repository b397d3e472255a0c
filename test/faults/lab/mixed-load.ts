import type { Socket } from 'node:net';
import type { Dice } from 'wsproxy-test-support/dice';
import { type Exchange, exchange } from 'wsproxy-test-support/traffic';
import { until } from 'wsproxy-test-support/until';
import type { Carriers } from './carriers.js';
import type { Lab } from './lab.js';

/** Anyone who was served is done within this time once nothing more happens, ms. */
const DONE_IN = 60_000;
const KINDS = ['download', 'upload', 'both', 'after', 'echo'] as const;

/** Those who begin one exchange after the other. */
export interface Applications {
  /** Stands in every seed of theirs. */
  readonly name: string;
  readonly count: number;
  /** A connection that leads to the partner; rejects when there is no way. */
  connect(seed: string): Promise<Socket>;
}

/** How an application is told that there is no way: by the proxy, or where nobody listens. */
const NO_WAY = /SOCKS5 reply|ECONNREFUSED/;

/** An exchange as chance has it, of up to a megabyte. */
function choose(dice: Dice, seed: string): Exchange {
  const kind = KINDS[dice.between(0, KINDS.length)] ?? 'both';
  const length = (highest: number): number => dice.between(0, 2 ** dice.between(0, highest + 1));
  if (kind === 'echo') {
    const up = length(16);
    return { kind, seed, up, down: up, pause: dice.between(10, 200) };
  }
  const [up, down] = [kind === 'download' ? 0 : length(20), kind === 'upload' ? 0 : length(20)];
  return { kind: kind === 'after' ? 'after' : 'both', seed, up, down, pause: dice.between(0, 40) };
}

/** Keeps exchanges of every kind going, and books how each of them ends. */
export class MixedLoad {
  readonly #lab: Lab;
  readonly #carriers: Carriers;
  readonly #applications: Applications;
  readonly #underWay = new Set<string>();
  #begun = 0;
  #isOver = false;
  /** Requests that were told that there is no way. */
  refused = 0;
  /** Those of them that a killed server had nothing to do with. */
  unexcused = 0;

  constructor(lab: Lab, carriers: Carriers, applications: Applications) {
    this.#lab = lab;
    this.#carriers = carriers;
    this.#applications = applications;
    for (let n = 0; n < applications.count; n++) void this.#run();
  }

  get begun(): number {
    return this.#begun;
  }

  /** Lets those that are under way come to their end. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await until('every exchange is over', () => this.#underWay.size === 0, DONE_IN).catch(() => {
      for (const seed of this.#underWay) this.#lab.fail(`${seed}: never came to an end`);
    });
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const seed = `${this.#lab.seed} ${this.#applications.name} ${this.#begun++}`;
      this.#underWay.add(seed);
      this.#carriers.begin(seed);
      await this.#exchange(choose(this.#lab.dice, seed));
      this.#underWay.delete(seed);
    }
  }

  async #exchange(agreed: Exchange): Promise<void> {
    try {
      const way = () => this.#applications.connect(agreed.seed);
      await exchange(way, 0, 0, agreed, this.#carriers.atApplications);
    } catch (error) {
      this.#lab.history.note('told', { error: String(error) });
      // What a connection that was made has come to, the books know.
      if (!NO_WAY.test(String(error))) return;
      this.refused += 1;
      if (!this.#carriers.isExcused(agreed.seed)) this.unexcused += 1;
    }
  }
}
