import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Channel, systemClock } from 'wsproxy-engine';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { type LivePair, openLive } from 'wsproxy-test-support/live-pair';
import { connectedSockets, Observer, until, untilStill } from 'wsproxy-test-support/sockets/connected-sockets';
import { tlsSockets } from 'wsproxy-test-support/sockets/tls-sockets';
import { LAST_WORDS } from '../../src/relay/last-words.js';
import { relay } from '../../src/relay/relay.js';
import type { RelayPace, Turn } from '../../src/relay/relay-pace.js';
import { isDead } from '../../src/sockets/socket-death.js';

const cleanup: (() => void)[] = [];

afterEach(undoAll);

function undoAll(): void {
  for (const undo of cleanup.splice(0)) undo();
}

interface Ends {
  readonly pair: LivePair;
  readonly near: Channel;
  readonly far: Channel;
  /** Untouched by the relays. */
  readonly application: Socket;
  readonly destination: Socket;
  readonly accepted: Socket;
  readonly dialled: Socket;
}

/** application == relay == channel == relay with `pace` == destination */
async function tunnel(pace?: RelayPace): Promise<Ends> {
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
  return { pair, near, far, application, destination, accepted, dialled };
}

const flood = Buffer.alloc(65_536);

/** Writes as fast as the socket takes it, until it is closed. */
function sendWithoutEnd(socket: Socket): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(flood));
  };
  socket.on('drain', more);
  more();
}

/** Says `words` in the middle of what it is sent, and closes with the rest unread: a reset follows the words. */
async function interrupt(socket: Socket, words: Uint8Array): Promise<void> {
  socket.resume();
  await until(() => socket.bytesRead >= 100_000);
  socket.pause();
  socket.write(words, () => socket.destroy());
}

describe('the last words before a reset', () => {
  const words = pattern(1, 0, 4_067);

  test.each([
    ['the destination', (ends: Ends) => [ends.application, ends.destination] as const],
    ['the application', (ends: Ends) => [ends.destination, ends.application] as const],
  ])('arrive when %s says them in the middle of what it is sent', async (_who, order) => {
    for (let trial = 0; trial < 25; trial += 1) {
      const [sender, speaker] = order(await tunnel());
      const seen = new Observer(sender);
      sendWithoutEnd(sender);
      await interrupt(speaker, words);
      await seen.closed;
      expect(seen.bytes.equals(words)).toBe(true);
    }
  });

  test('arrive behind the half of the one who has ended', async () => {
    const { application, destination } = await tunnel();
    const seen = new Observer(application);
    application.end(Buffer.alloc(50_000_000));
    await interrupt(destination, words);
    await seen.closed;
    expect(seen.bytes.equals(words)).toBe(true);
    expect(seen.events).toEqual(['reset']);
  });

  test('arrive through TLS that the far end speaks', async () => {
    const { pair, near, far } = await openLive();
    const [accepted, application] = await connectedSockets('TCP');
    const { ours, theirs, raw } = await tlsSockets('over TCP');
    cleanup.push(() => {
      pair.close();
      for (const socket of [application, accepted, ours, theirs, raw]) socket.destroy();
    });
    relay(near, accepted);
    relay(far, ours);
    const seen = new Observer(application);
    sendWithoutEnd(application);
    theirs.resume();
    await until(() => theirs.bytesRead >= 100_000);
    theirs.write(words, () => raw.destroy());
    await seen.closed;
    expect(seen.bytes.equals(words)).toBe(true);
    expect(seen.events).toEqual(['reset']);
  });

  test('arrive from a stream that fails a write before they were read', async () => {
    const { pair, near, far } = await openLive();
    const [accepted, application] = await connectedSockets('TCP');
    application.on('error', () => {});
    let isAsked = false;
    const stream = new Duplex({
      read() {
        isAsked = true;
      },
      write(_chunk, _encoding, done) {
        done(new Error('broken'));
        setImmediate(() => {
          stream.push(words);
          stream.push(null);
        });
      },
    });
    cleanup.push(() => {
      pair.close();
      for (const each of [application, accepted, stream]) each.destroy();
    });
    relay(near, accepted);
    relay(far, stream);
    await until(() => isAsked);
    const seen = new Observer(application);
    application.write('request');
    await seen.closed;
    expect(seen.bytes.equals(words)).toBe(true);
    expect(seen.events).toEqual(['reset']);
  });
});

describe('the last words that have to wait', () => {
  /** More than the tunnel takes while there is no transport; all of it has left the destination when that resets. */
  const words = pattern(1, 0, 100_000);

  /** Beyond what has really passed, ms. */
  let ahead = 0;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    ahead = 0;
    vi.spyOn(systemClock, 'now').mockImplementation(() => performance.now() + ahead);
  });
  afterEach(() => {
    undoAll();
    // What all sessions and slabs of the process share goes on by timers that would be gone with the clock that has them.
    vi.runAllTimers();
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  function advance(milliseconds: number): void {
    ahead += milliseconds;
    vi.advanceTimersByTime(milliseconds);
  }

  /** Time passes meanwhile as it really does: what the ends owe each other after a pause must not wait for ever. */
  async function untilNow(condition: () => boolean): Promise<void> {
    const began = performance.now();
    for (let before = began; !condition(); ) {
      await new Promise(setImmediate);
      const now = performance.now();
      // A loop that outlives its test would take the time of the next ones.
      if (now - began > 9_000) throw new Error('it has not come within 9 s');
      vi.advanceTimersByTime(now - before);
      before = now;
    }
  }

  /** Far longer than anything waits for a reader. */
  async function pass(): Promise<void> {
    for (let passed = 0; passed < 10 * LAST_WORDS; passed += 100) {
      advance(100);
      await new Promise(setImmediate);
    }
  }

  async function lastWords(far: Channel, said: Uint8Array = words): Promise<Socket> {
    const [destination, dialled] = await connectedSockets('TCP');
    destination.on('error', () => {});
    cleanup.push(() => {
      for (const socket of [destination, dialled]) socket.destroy();
    });
    relay(far, dialled);
    // In pieces, so that some of it stays in the socket.
    const pieces = [0.4 * said.length, 0.8 * said.length];
    for (const end of pieces) {
      destination.write(said.subarray(dialled.bytesRead, end));
      await untilNow(() => dialled.bytesRead === end);
    }
    await new Promise((resolve) => destination.write(said.subarray(dialled.bytesRead), resolve));
    destination.resetAndDestroy();
    return dialled;
  }

  async function read(near: Channel): Promise<Observer> {
    const [accepted, application] = await connectedSockets('TCP');
    cleanup.push(() => {
      for (const socket of [application, accepted]) socket.destroy();
    });
    relay(near, accepted);
    const seen = new Observer(application);
    let isClosed = false;
    void seen.closed.then(() => {
      isClosed = true;
    });
    await untilNow(() => isClosed);
    return seen;
  }

  async function pairUp(): Promise<{ pair: LivePair; near: Channel; far: Channel }> {
    const live = await openLive();
    cleanup.push(() => live.pair.close());
    return live;
  }

  test('arrive behind an outage of the transport, however long', async () => {
    const { pair, near, far } = await pairUp();
    pair.cut();
    await lastWords(far);
    await pass();
    pair.reconnect();
    const seen = await read(near);
    expect(seen.bytes.equals(words)).toBe(true);
    expect(seen.events).toEqual(['reset']);
  });

  test('arrive behind outages that each look happens to miss', async () => {
    const { pair, near, far } = await pairUp();
    pair.cut();
    await lastWords(far);
    for (let look = 0; look < 10; look += 1) {
      pair.reconnectSilent();
      advance(LAST_WORDS);
      pair.cut();
    }
    pair.reconnect();
    const seen = await read(near);
    expect(seen.bytes.equals(words)).toBe(true);
  });

  describe('for a reader who takes no more', () => {
    /** More than its window: the rest waits in the channel. */
    const many = pattern(2, 0, 300_000);

    test('are given up when the peer has what was sent, and answers', async () => {
      const { near, far } = await pairUp();
      const dialled = await lastWords(far, many);
      await pass();
      expect([far.state.dead, near.state.dead, dialled.destroyed]).toEqual([true, true, true]);
    });

    test('arrive behind an outage that begins when the peer has what was sent', async () => {
      const { pair, near, far } = await pairUp();
      await lastWords(far, many);
      await untilNow(() => {
        const { isStalled, framesSent, framesProcessed } = far.figures;
        return isStalled && framesProcessed === framesSent;
      });
      // The look that finds it so; a WINDOW that follows is lost with the transport.
      advance(LAST_WORDS);
      pair.cut();
      await pass();
      expect(far.state.dead).toBe(false);
      pair.reconnect();
      const seen = await read(near);
      expect(seen.bytes.equals(many)).toBe(true);
    });
  });
});

describe('a reset that nobody reads up to', () => {
  /** Until nothing moves any more: the peer of `sender` takes nothing. */
  async function block(sender: Socket): Promise<void> {
    sendWithoutEnd(sender);
    await untilStill(() => sender.bytesWritten - sender.writableLength);
  }

  test.each([
    ['the application', (ends: Ends) => [ends.application, ends.destination] as const],
    ['the destination', (ends: Ends) => [ends.destination, ends.application] as const],
  ])('is told when %s is gone, and the other end takes nothing', async (_who, order) => {
    const ends = await tunnel();
    const [sender, idle] = order(ends);
    idle.pause();
    await block(sender);
    sender.resetAndDestroy();
    const { client, server } = ends.pair;
    await until(() => client.channelCount === 0 && server?.channelCount === 0);
    const seen = new Observer(idle);
    await seen.closed;
    expect(seen.events).toEqual(['reset']);
  });

  test('is told when either half has ended before', async () => {
    for (const speaks of ['the one that has ended', 'the other'] as const) {
      const { application, destination } = await tunnel();
      const [gone, left] = speaks === 'the other' ? [destination, application] : [application, destination];
      const ended = once(destination, 'end');
      for (const socket of [application, destination]) socket.resume();
      application.end('request');
      await ended;
      gone.resetAndDestroy();
      // Neither reads any more, or is told of it.
      await until(() => left.destroyed || isDead(left));
    }
  });

  test('keeps nothing waiting once both ends are gone', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    // Nothing of another test does either.
    await until(() => timers() === 0);
    const { near, far, dialled, accepted, destination } = await tunnel();
    destination.resetAndDestroy();
    await until(() => near.state.dead && far.state.dead && accepted.closed && dialled.closed);
    expect(timers()).toBe(0);
  });

  test('is told while the pace holds the source', async () => {
    const waiting: Turn[] = [];
    let isOpen = true;
    const pace: RelayPace = {
      rateOf: () => 1,
      mayPass: () => isOpen,
      wait: (_direction, _bytes, turn) => waiting.push(turn),
      leave() {},
    };
    const { application, destination, dialled } = await tunnel(pace);
    const seen = new Observer(application);
    destination.write('first');
    await seen.has(5);
    isOpen = false;
    destination.write('second');
    await until(() => waiting.length > 0);
    await new Promise((resolve) => destination.write('never read', resolve));
    destination.resetAndDestroy();
    await until(() => dialled.destroyed);
    waiting[0]?.onTurn();
    await seen.closed;
    expect([seen.bytes.toString(), seen.events]).toEqual(['firstsecond', ['reset']]);
  });
});
