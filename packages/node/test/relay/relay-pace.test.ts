import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Channel } from 'wsproxy-engine';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { openLive } from 'wsproxy-test-support/live-pair';
import { connectedSockets, Observer, until, untilStill } from 'wsproxy-test-support/sockets/connected-sockets';
import { relay } from '../../src/relay/relay.js';
import { type Direction, PacedPieces, type RelayPace, type Turn } from '../../src/relay/relay-pace.js';

const cleanup: (() => void)[] = [];

afterEach(() => {
  for (const undo of cleanup.splice(0)) undo();
});

interface Ends {
  readonly application: Socket;
  readonly destination: Socket;
  readonly dialled: Socket;
  readonly near: Channel;
  readonly far: Channel;
}

/** application == relay == channel == relay with `pace` == destination */
async function pacedTunnel(pace: RelayPace): Promise<Ends> {
  const { pair, near, far } = await openLive();
  const [accepted, application] = await connectedSockets('TCP');
  const [destination, dialled] = await connectedSockets('TCP');
  for (const socket of [application, destination]) socket.on('error', () => {});
  relay(near, accepted);
  relay(far, dialled, pace);
  cleanup.push(() => {
    pair.close();
    for (const socket of [application, accepted, destination, dialled]) socket.destroy();
  });
  return { application, destination, dialled, near, far };
}

/** Counts what passes, and lets everything wait for `delay` ms; for ever when that is undefined. */
class TestPace implements RelayPace {
  rateOf(): number {
    return 1;
  }

  readonly passed = { up: 0, down: 0 };
  delay: number | undefined = 0;
  readonly waiting = new Set<Turn>();

  mayPass(direction: Direction, bytes: number): boolean {
    if (this.delay === 0) this.passed[direction] += bytes;
    return this.delay === 0;
  }

  wait(direction: Direction, bytes: number, turn: Turn): void {
    this.waiting.add(turn);
    if (this.delay === undefined) return;
    setTimeout(() => {
      if (!this.waiting.delete(turn)) return;
      this.passed[direction] += bytes;
      turn.onTurn();
    }, this.delay);
  }

  leave(_direction: Direction, turn: Turn): void {
    this.waiting.delete(turn);
  }
}

describe('a relay with a pace', () => {
  test('tells it every byte, and carries both directions to their clean ends', async () => {
    const pace = new TestPace();
    const { application, destination } = await pacedTunnel(pace);
    const [a, b] = [new Observer(application), new Observer(destination)];
    application.end(pattern(1, 0, 700_000));
    destination.end(pattern(2, 0, 500_000));
    await Promise.all([a.closed, b.closed]);
    expect([a.events, b.events]).toEqual([['end'], ['end']]);
    expect(a.bytes.equals(pattern(2, 0, 500_000))).toBe(true);
    expect(b.bytes.equals(pattern(1, 0, 700_000))).toBe(true);
    expect(pace.passed).toEqual({ up: 700_000, down: 500_000 });
  });

  test('goes on after each pause, and loses nothing', async () => {
    const pace = new TestPace();
    pace.delay = 2;
    const { application, destination } = await pacedTunnel(pace);
    const [a, b] = [new Observer(application), new Observer(destination)];
    application.end(pattern(1, 0, 1_000_000));
    destination.end(pattern(2, 0, 1_000_000));
    await Promise.all([a.closed, b.closed]);
    expect([a.events, b.events]).toEqual([['end'], ['end']]);
    expect(a.bytes.equals(pattern(2, 0, 1_000_000))).toBe(true);
    expect(b.bytes.equals(pattern(1, 0, 1_000_000))).toBe(true);
  });

  test('reads no more of the destination than what waits', async () => {
    const pace = new TestPace();
    pace.delay = undefined;
    const { destination, dialled, near } = await pacedTunnel(pace);
    destination.write(pattern(1, 0, 1_000_000));
    await until(() => pace.waiting.size > 0);
    expect(dialled.isPaused()).toBe(true);
    await untilStill(() => dialled.bytesRead);
    expect(dialled.bytesRead).toBeLessThanOrEqual(65_536);
    expect(near.figures.bytesReceived).toBe(0);
  });

  test('writes nothing to the destination before its turn, and lets the peer send a window and no more', async () => {
    const pace = new TestPace();
    pace.delay = undefined;
    const { application, destination, far } = await pacedTunnel(pace);
    const seen = new Observer(destination);
    application.write(pattern(1, 0, 2_000_000));
    await until(() => far.figures.bytesReceived > 200_000);
    await untilStill(() => far.figures.bytesReceived);
    expect(far.figures.bytesReceived).toBeLessThanOrEqual(262_144 + 16_384);
    expect(seen.bytes).toHaveLength(0);
  });

  test('ends either side only behind what waits', async () => {
    const pace = new TestPace();
    pace.delay = 100;
    const { application, destination } = await pacedTunnel(pace);
    const [a, b] = [new Observer(application), new Observer(destination)];
    application.end(pattern(1, 0, 10));
    destination.end(pattern(2, 0, 10));
    await Promise.all([a.closed, b.closed]);
    expect([a.events, b.events]).toEqual([['end'], ['end']]);
    expect([a.bytes.equals(pattern(2, 0, 10)), b.bytes.equals(pattern(1, 0, 10))]).toEqual([true, true]);
  });

  test('passes a reset of the destination on behind what it had sent', async () => {
    const pace = new TestPace();
    pace.delay = 100;
    const { application, destination } = await pacedTunnel(pace);
    const seen = new Observer(application);
    destination.write(pattern(1, 0, 1_000), () => destination.resetAndDestroy());
    await seen.closed;
    expect([seen.bytes.length, seen.events]).toEqual([1_000, ['reset']]);
  });

  test('passes a reset of the application on at once, and drops what waits', async () => {
    const pace = new TestPace();
    pace.delay = undefined;
    const { application, destination, far } = await pacedTunnel(pace);
    const seen = new Observer(destination);
    application.write('bytes');
    destination.write('answer');
    await until(() => pace.waiting.size === 2);
    application.resetAndDestroy();
    await seen.closed;
    expect([seen.events, seen.bytes.length, pace.waiting.size]).toEqual([['reset'], 0, 0]);
    await until(() => far.state.dead);
  });

  test('lets nobody pay for what goes nowhere', async () => {
    const pace = new TestPace();
    const { dialled, near, far } = await pacedTunnel(pace);
    near.reset();
    await until(() => far.state.dead);
    dialled.emit('data', Buffer.from('late'));
    expect(pace.passed).toEqual({ up: 0, down: 0 });
  });
});

test('pieces of one byte are joined as they wait for the turn of somebody who is held to a rate', () => {
  const whole = pattern(1, 0, 10_000);
  const few = 10;
  const passed: Buffer[] = [];
  let waiting = 0;
  const pace = {
    rateOf: () => 1,
    mayPass: () => false,
    wait() {
      waiting += 1;
    },
    leave() {},
  };
  const pieces = new PacedPieces(newMemory(), pace, 'up', (bytes) => passed.push(Buffer.from(bytes)));
  const push = (): void => {
    for (let at = 0; at < whole.length; at++) pieces.push(whole.subarray(at, at + 1), false);
  };
  push();
  for (let turn = 0; turn < few; turn++) pieces.onTurn();
  expect([pieces.isEmpty, waiting]).toEqual([true, passed.length]);
  expect(Buffer.concat(passed).equals(whole)).toBe(true);
  push();
  expect(pieces.drop()).toBe(whole.length);
});
