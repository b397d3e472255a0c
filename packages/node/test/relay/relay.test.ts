import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { type Channel, systemMemory } from 'wsproxy-engine';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { sessionSide } from 'wsproxy-test-support/engine/session-side';
import { type LivePair, openLive } from 'wsproxy-test-support/live-pair';
import {
  connectedSockets,
  type Family,
  Observer,
  until,
  untilStill,
} from 'wsproxy-test-support/sockets/connected-sockets';
import { relay } from '../../src/relay/relay.js';

const cleanup: (() => void)[] = [];

afterEach(async () => {
  for (const undo of cleanup.splice(0)) undo();
  // No matter what has become of both ends.
  await until(() => systemMemory.kept === 0);
});

interface Tunnel {
  readonly pair: LivePair;
  /** The application's and the destination's own ends, not touched by the relay. */
  readonly application: Socket;
  readonly destination: Socket;
  readonly near: Channel;
  readonly far: Channel;
  /** What the relays hold. */
  readonly relayed: readonly [near: Socket, far: Socket];
}

/** application == relay == channel == relay == destination */
async function tunnel(family: Family = 'TCP'): Promise<Tunnel> {
  const { pair, near, far } = await openLive();
  const [accepted, application] = await connectedSockets(family);
  const [destination, dialled] = await connectedSockets(family);
  for (const socket of [application, destination]) socket.on('error', () => {});
  relay(near, accepted);
  relay(far, dialled);
  cleanup.push(() => {
    pair.close();
    for (const socket of [application, accepted, destination, dialled]) socket.destroy();
  });
  return { pair, application, destination, near, far, relayed: [accepted, dialled] };
}

describe.each<Family>(['TCP', 'Unix'])('over %s', (family) => {
  test('carries both directions and their ends, no matter which ends first', async () => {
    for (const first of ['application', 'destination'] as const) {
      const ends = await tunnel(family);
      const [early, late] =
        first === 'application' ? [ends.application, ends.destination] : [ends.destination, ends.application];
      const seenEarly = new Observer(early);
      const seenLate = new Observer(late);
      early.end('request');
      await seenLate.ended;
      expect(seenLate.bytes.toString()).toBe('request');
      late.end(pattern(1, 0, 500_000));
      await Promise.all([seenEarly.closed, seenLate.closed]);
      expect(seenEarly.bytes.equals(pattern(1, 0, 500_000))).toBe(true);
      expect([seenEarly.events, seenLate.events]).toEqual([['end'], ['end']]);
      await until(() => ends.pair.client.channelCount === 0 && ends.pair.server?.channelCount === 0);
      await until(() => ends.relayed.every((socket) => socket.destroyed));
    }
  });

  test('carries both ends at once', async () => {
    const { application, destination } = await tunnel(family);
    const [a, b] = [new Observer(application), new Observer(destination)];
    application.end(pattern(1, 0, 100_000));
    destination.end(pattern(2, 0, 100_000));
    await Promise.all([a.closed, b.closed]);
    expect(a.bytes.equals(pattern(2, 0, 100_000))).toBe(true);
    expect(b.bytes.equals(pattern(1, 0, 100_000))).toBe(true);
    expect([a.events, b.events]).toEqual([['end'], ['end']]);
  });

  test('a socket that is destroyed without an end resets the channel', async () => {
    const { relayed, far, near } = await tunnel(family);
    relayed[0].destroy();
    await until(() => far.state.dead && near.state.dead);
  });

  test('a socket that was destroyed before it was joined resets the channel', async () => {
    const { pair, near, far } = await openLive();
    const [accepted, application] = await connectedSockets(family);
    cleanup.push(() => pair.close());
    application.destroy();
    accepted.destroy();
    await once(accepted, 'close');
    relay(near, accepted);
    await until(() => far.state.dead && near.state.dead);
  });

  test('a channel that was reset before it was joined resets the socket', async () => {
    const { pair, near, far } = await openLive();
    const [accepted, application] = await connectedSockets(family);
    cleanup.push(() => {
      pair.close();
      application.destroy();
    });
    const seen = new Observer(application);
    far.write(Buffer.from('last words'));
    far.end('CONNECTION_RESET');
    await until(() => near.state.dead);
    relay(near, accepted);
    // Unix sockets have no reset, only an end.
    await seen.ended;
    expect(seen.bytes.toString()).toBe('last words');
    expect(seen.events).toEqual([family === 'TCP' ? 'reset' : 'end']);
    expect(accepted.destroyed).toBe(true);
  });
});

describe('a reset of the destination', () => {
  test.each([0, 20, 20_000])('reaches the application as a reset, after all %i bytes before it', async (length) => {
    const { application, destination, far } = await tunnel();
    const seen = new Observer(application);
    destination.write(pattern(1, 0, length), () => destination.resetAndDestroy());
    await seen.closed;
    expect(seen.bytes.equals(pattern(1, 0, length))).toBe(true);
    expect(seen.events).toEqual(['reset']);
    expect(far.state.dead).toBe(true);
  });

  test.each([20, 20_000])(
    'is a reset also when the application had ended its half before (%i bytes)',
    async (length) => {
      const { application, destination } = await tunnel();
      const seen = new Observer(application);
      const asked = new Observer(destination);
      application.end('request');
      await asked.ended;
      destination.write(pattern(1, 0, length), () => destination.resetAndDestroy());
      await seen.closed;
      expect(seen.bytes.equals(pattern(1, 0, length))).toBe(true);
      expect(seen.events).toEqual(['reset']);
    },
  );

  test('is never a clean end, even when data was lost with it', async () => {
    const { application, destination } = await tunnel();
    const seen = new Observer(application);
    destination.write(pattern(1, 0, 2_000_000));
    await seen.has(100_000);
    destination.resetAndDestroy();
    await seen.closed;
    expect(seen.events).toEqual(['reset']);
    expect(seen.bytes.equals(pattern(1, 0, seen.bytes.length))).toBe(true);
  });

  test('does not lose what the paused socket had read already', async () => {
    const { pair, near, far } = await openLive();
    const [destination, dialled] = await connectedSockets('TCP');
    cleanup.push(() => pair.close());
    destination.on('error', () => {});
    // Where Node cannot read into slabs it reads ahead.
    Object.assign((dialled as unknown as { _handle: object })._handle, { useUserBuffer: undefined });
    relay(far, dialled);
    let length = 0;
    // Nobody takes anything at the near end: the window is used up, the channel's queue fills, the socket pauses.
    while (!dialled.isPaused() || sessionSide(far).sendable) {
      destination.write(pattern(1, length, 16_384));
      length += 16_384;
      await until(() => dialled.isPaused() || dialled.bytesRead === length);
    }
    destination.write(pattern(1, length, 10));
    length += 10;
    await until(() => dialled.bytesRead === length && dialled.readableLength >= 10);
    destination.resetAndDestroy();
    await until(() => dialled.destroyed);

    const chunks: Uint8Array[] = [];
    const code = await new Promise<string>((resolve) => {
      near.start({
        onData(chunk) {
          chunks.push(chunk);
          near.consumed(chunk.length);
        },
        onEnd: () => resolve('a clean end'),
        onReset: resolve,
        onWritable() {},
      });
    });
    expect(code).toBe('CONNECTION_RESET');
    expect(Buffer.concat(chunks).equals(pattern(1, 0, length))).toBe(true);
  });

  test('does not wait for an application that has ended its half and reads', async () => {
    const { application, destination } = await tunnel();
    const [seen, asked] = [new Observer(application), new Observer(destination)];
    application.end();
    await asked.ended;
    destination.resetAndDestroy();
    await seen.closed;
    expect(seen.events).toEqual(['reset']);
  });
});

describe.each<Family>(['TCP', 'Unix'])('a close from the tunnel over %s', (family) => {
  test('delivers everything and its end to a destination that reads late, and closes the socket', async () => {
    const { near, far, destination, relayed } = await tunnel(family);
    let length = 0;
    while (relayed[1].writableLength === 0) {
      near.write(pattern(1, length, 50_000));
      length += 50_000;
      await until(() => near.figures.bytesSent === length && far.figures.bytesReceived === length);
    }
    near.end();
    await until(() => far.state.receiving === 'ended');
    near.reset('CANCELLED');
    await until(() => far.state.dead);
    const seen = new Observer(destination);
    await seen.ended;
    expect(seen.events).toEqual(['end']);
    expect(seen.bytes.equals(pattern(1, 0, length))).toBe(true);
    await until(() => relayed[1].destroyed);
  });

  test('is none where the peer had not ended its half', async () => {
    const { near, destination } = await tunnel(family);
    const seen = new Observer(destination);
    near.write(Buffer.from('half'));
    near.end('CANCELLED');
    await seen.ended;
    expect(seen.events).toEqual([family === 'TCP' ? 'reset' : 'end']);
  });
});

describe('a reset from the tunnel', () => {
  test('is a reset for the socket, after what came before it was written', async () => {
    const { application, far } = await tunnel();
    const seen = new Observer(application);
    far.write(pattern(1, 0, 50_000));
    far.end('CONNECTION_RESET');
    await seen.closed;
    expect(seen.bytes.equals(pattern(1, 0, 50_000))).toBe(true);
    expect(seen.events).toEqual(['reset']);
  });

  test('waits for what the socket has not taken yet', async () => {
    const { application, far, near, relayed } = await tunnel();
    application.pause();
    let length = 0;
    while (relayed[0].writableLength === 0) {
      far.write(pattern(1, length, 50_000));
      length += 50_000;
      await until(() => far.figures.bytesSent === length && near.figures.bytesReceived === length);
    }
    far.end('CONNECTION_RESET');
    await until(() => near.state.dead);
    // If the reset did not wait, it would come now.
    await untilStill(() => relayed[0].destroyed);
    expect(relayed[0].destroyed).toBe(false);
    const seen = new Observer(application);
    await seen.closed;
    expect(seen.bytes.equals(pattern(1, 0, length))).toBe(true);
    expect(seen.events).toEqual(['reset']);
  });

  test('is a reset when the session is lost', async () => {
    const { application, destination, pair, relayed } = await tunnel();
    const [a, b] = [new Observer(application), new Observer(destination)];
    pair.client.close('for the test', 4005);
    pair.server?.close('for the test', 4005);
    // At once: the process may be about to end, and the kernel would make clean ends of what is still open.
    expect(relayed.map((socket) => socket.destroyed)).toEqual([true, true]);
    await Promise.all([a.closed, b.closed]);
    expect([a.events, b.events]).toEqual([['reset'], ['reset']]);
  });

  test('is not sent back', async () => {
    const { application, far, near } = await tunnel();
    const seen = new Observer(application);
    far.reset('TIMED_OUT');
    await seen.closed;
    await until(() => near.state.dead);
    expect(sessionSide(near).sendable).toBe(false);
  });
});

describe('backpressure', () => {
  test('reaches the source when the reader stops, and goes when it reads on', async () => {
    const { application, destination, near, far } = await tunnel();
    const length = 48_000_000;
    application.pause();
    destination.write(pattern(1, 0, length));
    destination.end();
    await untilStill(() => near.figures.bytesReceived);
    const carried = near.figures.bytesReceived;
    // The sockets' own buffers hold some ten megabytes; what the relays hold beyond them is bounded by the window.
    expect(carried).toBeLessThan(length);
    expect(far.figures.bytesSent).toBe(carried);
    const seen = new Observer(application);
    application.end();
    await seen.closed;
    expect(seen.bytes.equals(pattern(1, 0, length))).toBe(true);
    expect(seen.events).toEqual(['end']);
  });
});

describe('a stream that is no socket', () => {
  /** application == relay == channel == relay == a stream in memory */
  async function intoMemory(): Promise<{ application: Socket; far: Channel; inside: Duplex; outside: Duplex }> {
    const { pair, near, far } = await openLive();
    const [accepted, application] = await connectedSockets('TCP');
    const [inside, outside] = duplexPair();
    application.on('error', () => {});
    relay(near, accepted);
    relay(far, inside);
    cleanup.push(() => {
      pair.close();
      for (const stream of [application, accepted, inside, outside]) stream.destroy();
    });
    return { application, far, inside, outside };
  }

  test('carries both directions and their ends', async () => {
    const { application, outside } = await intoMemory();
    const [seen, arrived] = [new Observer(application), new Observer(outside)];
    application.end(pattern(1, 0, 300_000));
    await arrived.ended;
    expect(arrived.bytes.equals(pattern(1, 0, 300_000))).toBe(true);
    outside.end('answer');
    await Promise.all([seen.closed, arrived.closed]);
    expect([seen.bytes.toString(), seen.events, arrived.events]).toEqual(['answer', ['end'], ['end']]);
  });

  test('is destroyed with an error when the channel is reset, and resets it when it fails itself', async () => {
    const first = await intoMemory();
    const failed = once(first.inside, 'error');
    first.application.resetAndDestroy();
    expect((await failed)[0]).toMatchObject({ code: 'CONNECTION_RESET' });

    const second = await intoMemory();
    const seen = new Observer(second.application);
    second.inside.destroy(new Error('broken'));
    await seen.closed;
    expect(seen.events).toEqual(['reset']);
  });
});
