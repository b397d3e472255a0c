import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Channel, ChannelSink } from 'wsproxy-engine';
import { encodeRecord, errandOf, readRecord, type Said } from '../../src/cluster/errand.js';

/** A channel that brings what the test says. */
function fakeChannel() {
  let sink: ChannelSink | undefined;
  const channel = { start: (given: ChannelSink) => (sink = given), consumed() {} } as unknown as Channel;
  const told: { record: Said | undefined; rest: string }[] = [];
  readRecord(channel, (record, { rest }) => told.push({ record, rest: rest.toString() }));
  return { told, sink: sink as unknown as ChannelSink };
}

describe('a record', () => {
  test.each([1, 3, 100])('is read from pieces of %i bytes, with what stands behind it', async (size) => {
    const { told, sink } = fakeChannel();
    const bytes = Buffer.concat([encodeRecord({ kind: 'call', ü: 'ö' }), Buffer.from('hello')]);
    for (let at = 0; at < bytes.length; at += size) sink.onData(bytes.subarray(at, at + size), false);
    await turn();
    expect(told).toEqual([{ record: { kind: 'call', ü: 'ö' }, rest: 'hello' }]);
  });

  test.each([
    ['an end before it', (sink: ChannelSink) => sink.onEnd()],
    ['a reset before it', (sink: ChannelSink) => sink.onReset('CANCELLED')],
    ['what is no JSON', (sink: ChannelSink) => sink.onData(Buffer.from('\0\x02{x'), false)],
    ['what is no object', (sink: ChannelSink) => sink.onData(Buffer.from('\0\x0217'), false)],
    ['nothing', (sink: ChannelSink) => sink.onData(Buffer.from('\0\0'), false)],
  ])('is not found in %s', async (_what, act) => {
    const { told, sink } = fakeChannel();
    act(sink);
    await turn();
    expect(told.map(({ record }) => record)).toEqual([undefined]);
  });
});

test.each<[Said, object | undefined]>([
  [
    { kind: 'call', user: 'alice', service: 'news', more: 1 },
    { kind: 'call', user: 'alice', service: 'news' },
  ],
  [{ kind: 'call', user: 'alice' }, undefined],
  [{ kind: 'call', user: 1, service: 'news' }, undefined],
  [{ kind: 'sessions' }, { kind: 'sessions' }],
  [
    { kind: 'name', way: 'tls', name: 'a.example', peer: { host: '::1', port: 1 }, local: { host: 1 } },
    { kind: 'name', way: 'tls', name: 'a.example', peer: { host: '::1', port: 1 }, local: undefined },
  ],
  [{ kind: 'name', way: 'udp', name: 'a.example' }, undefined],
  [{ kind: 'of a later version' }, undefined],
])('%j asks for %j', (record, errand) => {
  expect(errandOf(record)).toEqual(errand);
});
