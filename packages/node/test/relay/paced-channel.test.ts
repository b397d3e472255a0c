import { afterEach, describe, expect, test } from 'vitest';
import type { Channel, ChannelSink, FailureCode } from 'wsproxy-engine';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { openLive } from 'wsproxy-test-support/live-pair';
import { untilStill } from 'wsproxy-test-support/sockets/connected-sockets';
import { until } from 'wsproxy-test-support/until';
import { ChannelStream } from '../../src/relay/channel-stream.js';
import { PacedChannel } from '../../src/relay/paced-channel.js';
import type { Direction, RelayPace, Turn } from '../../src/relay/relay-pace.js';

const cleanup: (() => void)[] = [];

afterEach(() => {
  for (const undo of cleanup.splice(0)) undo();
});

/** Counts what passes; while it is shut everything waits for `open`. */
class Gate implements RelayPace {
  isShut = false;
  readonly passed = { up: 0, down: 0 };
  readonly #waiting = new Map<Turn, () => void>();

  get waiting(): number {
    return this.#waiting.size;
  }

  rateOf(): number {
    return Number.POSITIVE_INFINITY;
  }

  mayPass(direction: Direction, bytes: number): boolean {
    if (!this.isShut) this.passed[direction] += bytes;
    return !this.isShut;
  }

  wait(direction: Direction, bytes: number, turn: Turn): void {
    this.#waiting.set(turn, () => (this.passed[direction] += bytes));
  }

  leave(_direction: Direction, turn: Turn): void {
    this.#waiting.delete(turn);
  }

  /** Everything that waits has its turn, and what comes after it. */
  open(): void {
    this.isShut = false;
    while (this.#waiting.size > 0) {
      for (const [turn, count] of [...this.#waiting]) {
        this.#waiting.delete(turn);
        count();
        turn.onTurn();
      }
    }
  }
}

/** All that a channel has brought. */
class Reader implements ChannelSink {
  readonly events: string[] = [];
  bytes = Buffer.alloc(0);
  writable = 0;
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.start(this);
  }

  onData(chunk: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    this.#channel.consumed(chunk.length);
  }
  onEnd(): void {
    this.events.push('end');
  }
  onReset(code: FailureCode): void {
    this.events.push(code);
  }
  onWritable(): void {
    this.writable += 1;
  }
}

async function make() {
  const { pair, near, far } = await openLive();
  cleanup.push(() => pair.close());
  const gate = new Gate();
  return { gate, near, far, paced: new PacedChannel(far, gate) };
}

test('every byte is counted, both ways, and both ends are clean', async () => {
  const { gate, near, paced } = await make();
  const [peer, own] = [new Reader(near), new Reader(paced)];
  paced.write(pattern(1, 0, 300_000));
  paced.end();
  near.write(pattern(2, 0, 200_000));
  near.end();
  await until('both have ended', () => peer.events.length + own.events.length === 2);
  expect([peer.bytes.equals(pattern(1, 0, 300_000)), own.bytes.equals(pattern(2, 0, 200_000))]).toEqual([true, true]);
  expect([peer.events, own.events, gate.passed]).toEqual([['end'], ['end'], { up: 200_000, down: 300_000 }]);
});

describe('while it is not its turn', () => {
  test('what is written waits, asks for a pause, and goes in its order, with the end behind it', async () => {
    const { gate, near, paced } = await make();
    const [peer, own] = [new Reader(near), new Reader(paced)];
    gate.isShut = true;
    expect([paced.write(pattern(1, 0, 1_000)), paced.write(pattern(1, 1_000, 1_000))]).toEqual([false, false]);
    paced.end();
    await untilStill(() => peer.bytes.length);
    expect([peer.bytes.length, peer.events, own.writable]).toEqual([0, [], 0]);
    gate.open();
    await until('it has come', () => peer.events.length === 1);
    expect([peer.bytes.equals(pattern(1, 0, 2_000)), peer.events, own.writable]).toEqual([true, ['end'], 1]);
    expect(gate.passed.down).toBe(2_000);
  });

  test('what has come waits, and neither an end nor a reset overtakes it', async () => {
    const { gate, near, paced } = await make();
    const own = new Reader(paced);
    gate.isShut = true;
    near.write(pattern(2, 0, 5_000));
    near.end();
    await until('it waits', () => gate.waiting === 1);
    await until('the end has come', () => paced.state.receiving === 'ended');
    near.reset('CONNECTION_RESET');
    await until('the reset has come', () => paced.state.dead);
    expect([own.bytes.length, own.events]).toEqual([0, []]);
    gate.open();
    expect([own.bytes.equals(pattern(2, 0, 5_000)), own.events]).toEqual([true, ['end', 'CONNECTION_RESET']]);
  });

  test('a reset of its own drops what waits, and nothing waits any more', async () => {
    const { gate, near, paced } = await make();
    const peer = new Reader(near);
    new Reader(paced);
    gate.isShut = true;
    paced.write(pattern(1, 0, 1_000));
    paced.reset('DENIED');
    await until('the reset has come', () => peer.events.length === 1);
    expect([gate.waiting, peer.bytes.length, peer.events, paced.write(pattern(1, 0, 1))]).toEqual([
      0,
      0,
      ['DENIED'],
      true,
    ]);
  });

  test('a reset of the peer drops what was to go there', async () => {
    const { gate, near, paced } = await make();
    const own = new Reader(paced);
    gate.isShut = true;
    paced.write(pattern(1, 0, 1_000));
    near.reset('CONNECTION_RESET');
    await until('the reset has come', () => own.events.length === 1);
    expect(gate.waiting).toBe(0);
  });
});

test('a stream over it waits with its writer, and goes on', async () => {
  const { gate, near, paced } = await make();
  const peer = new Reader(near);
  const stream = new ChannelStream(paced).on('error', () => {});
  cleanup.push(() => stream.destroy());
  gate.isShut = true;
  let written = 0;
  for (let n = 0; n < 10; n++) stream.write(pattern(1, n * 10_000, 10_000), () => (written += 1));
  await untilStill(() => peer.bytes.length);
  expect([written, peer.bytes.length]).toEqual([0, 0]);
  gate.open();
  await until('all has gone', () => peer.bytes.length === 100_000);
  expect([written, peer.bytes.equals(pattern(1, 0, 100_000))]).toEqual([10, true]);
});
