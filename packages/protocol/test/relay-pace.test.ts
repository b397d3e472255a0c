import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Channel } from '../src/channel/channel.js';
import { relay } from '../src/relay.js';
import type { RelayPace } from '../src/relay-pace.js';
import { openLive } from './support/live-pair.js';
import { pattern } from './support/pattern.js';
import { connectedSockets, Observer, until, untilStill } from './support/sockets.js';

const cleanup: (() => void)[] = [];

afterEach(() => {
  for (const undo of cleanup.splice(0)) undo();
});

interface Ends {
  readonly application: Socket;
  readonly destination: Socket;
  readonly dialled: Socket;
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
  return { application, destination, dialled, far };
}

/** Counts, and asks for pauses of `wait` ms. */
class TestPace implements RelayPace {
  up = 0;
  down = 0;
  wait = 0;

  toSocket(bytes: number): number {
    this.up += bytes;
    return this.wait;
  }

  fromSocket(bytes: number): number {
    this.down += bytes;
    return this.wait;
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
    expect([pace.up, pace.down]).toEqual([700_000, 500_000]);
  });

  test('goes on after each pause, and loses nothing', async () => {
    const pace = new TestPace();
    pace.wait = 2;
    const { application, destination } = await pacedTunnel(pace);
    const [a, b] = [new Observer(application), new Observer(destination)];
    application.end(pattern(1, 0, 1_000_000));
    destination.end(pattern(2, 0, 1_000_000));
    await Promise.all([a.closed, b.closed]);
    expect([a.events, b.events]).toEqual([['end'], ['end']]);
    expect(a.bytes.equals(pattern(2, 0, 1_000_000))).toBe(true);
    expect(b.bytes.equals(pattern(1, 0, 1_000_000))).toBe(true);
  });

  test('reads no more of the destination than it had when the pause began', async () => {
    const pace = new TestPace();
    pace.wait = 60_000;
    const { destination, dialled } = await pacedTunnel(pace);
    destination.write(pattern(1, 0, 1_000_000));
    await until(() => pace.down > 0);
    expect(dialled.isPaused()).toBe(true);
    await untilStill(() => pace.down);
    expect(pace.down).toBeLessThanOrEqual(65_536);
  });

  test('lets the peer send a window and no more while the credit is held back', async () => {
    const pace = new TestPace();
    pace.wait = 60_000;
    const { application, destination, far } = await pacedTunnel(pace);
    const seen = new Observer(destination);
    application.write(pattern(1, 0, 2_000_000));
    await seen.has(262_144);
    await untilStill(() => far.bytesReceived);
    expect(far.bytesReceived).toBeLessThanOrEqual(262_144 + 16_384);
  });

  test('passes a reset on although a pause lasts', async () => {
    const pace = new TestPace();
    pace.wait = 60_000;
    const { application, destination, far } = await pacedTunnel(pace);
    const seen = new Observer(destination);
    application.write('bytes');
    await seen.has(5);
    application.resetAndDestroy();
    await seen.closed;
    expect(seen.events).toEqual(['reset']);
    await until(() => far.state.dead);
  });
});
