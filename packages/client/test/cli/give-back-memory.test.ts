import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { giveBackMemory } from '../../src/cli/give-back-memory.js';

const INTERVAL = 10_000;

class Machine {
  collections = 0;
  #cpu = 300;

  work(time: number): void {
    this.#cpu += time;
  }

  cpuUsage(): { user: number; system: number } {
    return { user: this.#cpu * 600, system: this.#cpu * 400 };
  }

  async collect(): Promise<void> {
    this.collections += 1;
    // It is work as well, and nothing to give back follows from it.
    this.work(2_000);
  }
}

let machine: Machine;
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  machine = new Machine();
  stop = giveBackMemory(machine, () => machine.collect());
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

async function pass(cpu: number): Promise<void> {
  machine.work(cpu);
  await vi.advanceTimersByTimeAsync(INTERVAL);
}

test('a program that has started, and does nothing, gives back once', async () => {
  for (let n = 0; n < 10; n++) await pass(5);
  expect(machine.collections).toBe(1);
});

test('a program that works does not', async () => {
  for (let n = 0; n < 10; n++) await pass(4_000);
  expect(machine.collections).toBe(0);
});

test('each time that it comes to rest after it was busy it does so again', async () => {
  await pass(5);
  for (let n = 0; n < 3; n++) {
    for (const cpu of [600, 200, 5, 5]) await pass(cpu);
  }
  expect(machine.collections).toBe(4);
});

test('what it does now and then, and is little, is no reason', async () => {
  await pass(5);
  for (let n = 0; n < 10; n++) for (const cpu of [300, 5]) await pass(cpu);
  expect(machine.collections).toBe(1);
});
