import { expect, test } from 'vitest';
import type { Channel } from '../../src/channel/channel.js';
import { CloseCode } from '../../src/constants.js';
import { Session } from '../../src/session/session.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { Recorder } from './recorder.js';
import { SessionPair } from './session-pair.js';

const TARGET = { host: 'example.org', port: 80 };

/** A client session that was never connected, which gives its unsent channels to `heir` when it is closed. */
function abandonedSession(clock: FakeClock, heir: Session | undefined): Session {
  return new Session({
    role: 'client',
    clock,
    onDetached: () => {},
    onClosed: (_reason, unsent: readonly Channel[]) => {
      for (const channel of unsent) heir?.adopt(channel);
    },
  });
}

test('a channel that no peer has heard of goes over to another session with all that was written', () => {
  const pair = new SessionPair().connect().settle();
  const taken = pair.open();
  const session = abandonedSession(pair.clock, pair.client);
  const near = new Recorder();
  near.take(session.open(TARGET, near));
  near.channel.write(Buffer.from('early'));
  near.channel.end();
  const far = new Recorder();
  pair.keeper.onChannel = (channel) => {
    channel.accept();
    far.take(channel);
  };

  session.close('the server does not know it', CloseCode.normal);
  pair.settle();

  expect([near.events, far.bytes.toString(), far.events]).toEqual([['open'], 'early', ['data', 'end']]);
  expect(near.channel.id).not.toBe(taken.near.channel.id);
});

test('a channel that nobody adopts fails once', () => {
  const session = abandonedSession(new FakeClock(), undefined);
  const near = new Recorder();
  near.take(session.open(TARGET, near));
  session.close('over', CloseCode.normal);
  expect(near.events).toEqual(['fail SESSION_LOST']);
});

test('a channel whose OPEN has left is reset with its session', () => {
  const pair = new SessionPair().connect().settle();
  const near = new Recorder();
  near.take(pair.client.open(TARGET, near));
  pair.clock.runDeferred();
  pair.client.close('over', CloseCode.normal);
  expect(near.events).toEqual(['fail SESSION_LOST']);
});
