import { describe, expect, test } from 'vitest';
import { FlowRecorder } from 'wsproxy-test-support/engine/flow-recorder';
import type { Carried } from '../../src/session/carried.js';
import { FlowPair } from './flow-pair.js';
import { SessionPair } from './session-pair.js';

const PEER = { host: '192.0.2.53', port: 53 };

/** A session that was never connected, whose unsent flows go over to `heir` when it is closed. */
function abandoned(heir: SessionPair | undefined): FlowPair {
  const onClosed = (_reason: string, unsent: readonly Carried[]): void => {
    for (const one of unsent) heir?.client.adopt(one);
  };
  return new FlowPair({}, { onClosed });
}

describe('a flow that no peer has heard of', () => {
  test('goes over to another session, with what was sent a moment ago', () => {
    const heir = new FlowPair().connect();
    heir.settle();
    const pair = abandoned(heir);
    const near = pair.requestFlow(PEER);
    near.say('query');
    pair.client.close('given up', 1000);
    heir.settle();
    const far = new FlowRecorder().take(heir.offered(0));
    heir.offered(0).accept();
    near.say('more');
    heir.settle();
    expect([near.events, far.flow.target, far.texts]).toEqual([['open'], PEER, ['query', 'more']]);
    expect([pair.client.flowCount, heir.client.flowCount]).toEqual([0, 1]);
  });

  test('goes over to one that has not been greeted either, and waits there', () => {
    const heir = new FlowPair();
    const pair = abandoned(heir);
    const near = pair.requestFlow();
    pair.client.close('given up', 1000);
    heir.connect().settle();
    heir.offered(0).accept();
    heir.settle();
    expect([near.events, near.flow.id]).toEqual([['open'], 1]);
  });

  test('fails at once where the other session has no flows', () => {
    const pair = abandoned(new SessionPair().connect().settle());
    const near = pair.requestFlow(PEER);
    pair.client.close('given up', 1000);
    expect(near.events).toEqual(['over UNSUPPORTED', 'fail UNSUPPORTED']);
  });

  test('fails when nobody takes it', () => {
    const pair = abandoned(undefined);
    const near = pair.requestFlow(PEER);
    pair.client.close('given up', 1000);
    expect(near.events).toEqual(['over SESSION_LOST', 'fail SESSION_LOST']);
  });

  test('may be let go of', () => {
    const [pair, heir] = [new FlowPair(), new FlowPair()];
    const near = pair.requestFlow(PEER);
    expect(pair.client.release('unsent')).toEqual([near.flow]);
    heir.client.adopt(near.flow);
    expect([pair.client.flows, pair.client.isIdle, heir.client.flows]).toEqual([[], true, [near.flow]]);
  });
});

test('a flow that a draining server does not take goes over to another session', () => {
  const heir = new FlowPair().connect();
  heir.settle();
  const pair = new FlowPair({}, { onUndialled: (one) => heir.client.adopt(one) }).connect();
  pair.settle();
  pair.server.drain(1_000);
  const near = pair.requestFlow(PEER);
  pair.settle();
  heir.settle();
  expect([pair.client.flowCount, heir.server.flowCount, near.events]).toEqual([0, 1, []]);
  heir.offered(0).accept();
  heir.settle();
  expect(near.events).toEqual(['open']);
});

test('a flow whose FLOW crosses the end of a session goes over, and one that was processed is over', () => {
  const heir = new FlowPair().connect();
  heir.settle();
  const pair = abandoned(heir).connect();
  pair.settle();
  const processed = pair.openFlow(PEER).near;
  pair.run(() => pair.client.figures.replayBytes === 0);
  const crossing = pair.requestFlow(PEER);
  pair.clock.runDeferred();
  pair.server.leave('stopping');
  pair.ends[1].deliver();
  heir.settle();
  expect([processed.events, crossing.events]).toEqual([['open', 'over SESSION_LOST'], []]);
  expect(heir.server.flowCount).toBe(1);
});

test('waiting for an answer, channels and flows are unanswered, and may be given up', () => {
  const pair = new FlowPair();
  const near = pair.requestFlow(PEER);
  const failures: string[] = [];
  const channel = pair.client.open(PEER, { onOpen() {}, onFail: (code) => failures.push(code) });
  expect(pair.client.unanswered).toEqual([channel, near.flow]);
  pair.client.giveUp(pair.client.unanswered, 'TUNNEL_DOWN');
  expect([near.events, failures, pair.client.unanswered]).toEqual([
    ['over TUNNEL_DOWN', 'fail TUNNEL_DOWN'],
    ['TUNNEL_DOWN'],
    [],
  ]);
});
