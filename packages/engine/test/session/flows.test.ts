import { describe, expect, test } from 'vitest';
import { FlowRecorder } from 'wsproxy-test-support/engine/flow-recorder';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { zeros } from '../../src/bytes.js';
import { FlowPair } from './flow-pair.js';
import { SessionPair } from './session-pair.js';

const DNS = { host: '192.0.2.53', port: 53 };
const NAME = { host: 'example.org', port: 123 };
const IPV6 = { host: '2001:db8::1', port: 65_535 };

function connected(): FlowPair {
  const pair = new FlowPair().connect();
  pair.settle();
  return pair;
}

describe('a flow', () => {
  test('for one peer carries datagrams both ways', () => {
    const pair = connected();
    const { near, far } = pair.openFlow(DNS);
    expect([near.events, far.flow.target]).toEqual([['open'], DNS]);
    near.say('query');
    pair.settle();
    far.say('answer');
    pair.settle();
    expect([near.texts, far.texts]).toEqual([['answer'], ['query']]);
  });

  test('carries what is said, and says whom it is from', () => {
    const pair = connected();
    const { near, far } = pair.openFlow();
    for (const [n, peer] of [DNS, NAME, IPV6].entries()) near.say(`to ${n}`, peer);
    pair.settle();
    expect(far.datagrams.map(({ from }) => from)).toEqual([DNS, NAME, IPV6]);
    for (const { from } of far.datagrams) far.say('back', from);
    pair.settle();
    expect(near.datagrams.map(({ from }) => from)).toEqual([DNS, NAME, IPV6]);
    expect([near.texts, far.texts]).toEqual([
      ['back', 'back', 'back'],
      ['to 0', 'to 1', 'to 2'],
    ]);
  });

  test.each([0, 1, 1_024, 1_025, 65_507])('carries a datagram of %i bytes as it is', (length) => {
    const pair = connected();
    const { near, far } = pair.openFlow(NAME);
    near.flow.send(pattern(1, 0, length));
    pair.settle(1_000);
    expect(far.datagrams).toEqual([{ data: pattern(1, 0, length), from: undefined }]);
    expect(far.flow.figures).toMatchObject({ datagramsReceived: 1, bytesReceived: length });
    expect(near.flow.figures).toMatchObject({ datagramsSent: 1, bytesSent: length });
  });

  test('drops and counts what is too big, and what is for nobody', () => {
    const pair = connected();
    const { near, far } = pair.openFlow();
    near.flow.send(zeros(65_536 - 2 - 6), DNS);
    near.say('whom?');
    for (const host of ['', 'a b', '127.1', '[::1]x']) near.say('whom?', { host, port: 1 });
    near.say('whom?', { host: '127.0.0.1', port: 0 });
    pair.settle();
    expect(far.datagrams).toEqual([]);
    expect(near.flow.figures.datagramsDropped).toEqual({ tooBig: 1, unaddressed: 6, full: 0, late: 0 });
  });

  test('may be spoken on at once, and says nothing before it is answered at the other end', () => {
    const pair = connected();
    const near = pair.requestFlow(DNS);
    near.say('query');
    pair.settle();
    const far = new FlowRecorder().take(pair.offered(0));
    far.say('early answer');
    pair.settle();
    expect([near.events, near.texts, far.texts]).toEqual([[], [], ['query']]);
    pair.offered(0).accept();
    pair.settle();
    expect([near.events, near.texts]).toEqual([['open'], ['early answer']]);
  });

  test('waits for the capabilities, and fails at once where there are none', () => {
    const pair = new SessionPair().connect();
    const before = new FlowRecorder();
    before.take(pair.client.openFlow(DNS, before));
    expect(before.events).toEqual([]);
    pair.settle();
    const after = new FlowRecorder();
    after.take(pair.client.openFlow(DNS, after));
    expect(after.events).toEqual([]);
    pair.settle();
    const failed = ['over UNSUPPORTED', 'fail UNSUPPORTED'];
    expect([before.events, after.events]).toEqual([failed, failed]);
    expect([pair.client.flowCount, pair.client.isIdle]).toEqual([0, true]);
  });

  test('that waits for the capabilities takes no number, so that those of channels leave in their order', () => {
    const pair = new FlowPair();
    const near = pair.requestFlow(DNS);
    pair.client.open(NAME, { onOpen() {}, onFail() {} });
    expect([near.flow.id, pair.client.flowCount, pair.client.flows]).toEqual([0, 1, [near.flow]]);
    near.say('query');
    pair.connect().settle();
    const [offered] = pair.keeper.offered;
    const far = new FlowRecorder().take(pair.offered(0));
    expect([offered?.id, far.flow.id, near.flow.id, far.texts]).toEqual([1, 3, 3, ['query']]);
  });

  test('is refused with what the server says', () => {
    const pair = connected();
    pair.onFlow = (flow) => flow.refuse('DENIED');
    const near = pair.requestFlow(DNS);
    pair.settle();
    expect([near.events, pair.client.flowCount, pair.server.flowCount]).toEqual([['over DENIED', 'fail DENIED'], 0, 0]);
  });

  test.each(['near', 'far'] as const)('is ended by its %s end, and both are told', (end) => {
    const pair = connected();
    const ends = pair.openFlow();
    ends[end].flow.close('TIMED_OUT');
    pair.settle();
    expect([ends.near.events, ends.far.events]).toEqual([['open', 'over TIMED_OUT'], ['over TIMED_OUT']]);
    expect([pair.client.isIdle, pair.server.isIdle]).toEqual([false, false]);
    pair.run(() => pair.client.isIdle && pair.server.isIdle);
  });

  test('goes on over another transport, and nothing is said twice', () => {
    const pair = connected();
    const { near, far } = pair.openFlow(DNS);
    near.say('first');
    pair.settle();
    near.say('lost');
    pair.clock.runDeferred();
    pair.cut();
    pair.connect().settle();
    near.say('second');
    far.say('answer');
    pair.settle();
    expect([near.texts, far.texts]).toEqual([['answer'], ['first', 'second']]);
  });
});
