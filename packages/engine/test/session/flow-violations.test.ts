import { describe, expect, test } from 'vitest';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import {
  data,
  datagram,
  FLOWS,
  fin,
  flow,
  giveBack,
  helloWith,
  open,
  openFail,
  openOk,
  RETURN,
  reset,
  returned,
  TAKEN,
  taken,
  window,
} from 'wsproxy-test-support/engine/frames';
import type { PlainFrame } from 'wsproxy-test-support/engine/oracle-codec';
import type { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import type { OfferedFlow } from '../../src/datagram/flow.js';
import { FrameType } from '../../src/frame/frame.js';
import { RawClient } from './raw-session.js';
import type { ServerOptions } from './session-pair.js';

const ALL = helloWith(TAKEN | FLOWS | RETURN);

/** A server that takes flows, of a client that is played by the test. */
function served(options: ServerOptions = {}): {
  client: RawClient;
  peer: RawPeer;
  offered: OfferedFlow[];
  heard: string[];
} {
  const offered: OfferedFlow[] = [];
  const heard: string[] = [];
  const onFlow = (one: OfferedFlow): void => {
    offered.push(one);
    one.start({ onDatagram: (bytes) => heard.push(String.fromCharCode(...bytes)) });
  };
  const client = new RawClient({ onFlow, ...options });
  return { client, peer: client.connect().say(ALL), offered, heard };
}

const BROKEN: [what: string, ...frames: PlainFrame[]][] = [
  ['DATA on a flow', flow(1), data(1, 'x')],
  ['FIN on a flow', flow(1), fin(1)],
  ['WINDOW on a flow', flow(1), window(1, 1)],
  ['RETURN on a flow', flow(1), giveBack(1, 2, 1)],
  ['RETURNED on a flow', flow(1), returned(1, 2, 1)],
  ['OPEN_OK on a flow that the peer has opened', flow(1), openOk(1)],
  ['OPEN_FAIL on a flow that the peer has opened', flow(1), openFail(1, 1)],
  ['DATAGRAM on a channel', open(1), datagram(1, 'x')],
  ['FLOW with the number of a channel', open(1), flow(1)],
  ['OPEN with the number of a flow', flow(1), open(1)],
  ['FLOW with a number of the wrong parity', flow(2)],
  ['RESET on a flow that was never opened', flow(1), reset(3)],
];

test.each(BROKEN)('%s is an error', (_what, ...frames) => {
  const { peer } = served();
  expect(peer.say(...frames).closeCode).toBe(4003);
});

test.each([0, TAKEN, FLOWS])('FLOW and DATAGRAM are errors with no more than the capabilities %i', (capabilities) => {
  for (const frame of [flow(1), datagram(1, 'x')]) {
    const client = new RawClient({ onFlow: () => {} });
    expect(client.connect().say(helloWith(capabilities), frame).closeCode).toBe(4003);
  }
});

describe('a datagram is dropped, and acknowledged', () => {
  const dropped: [what: string, ...frames: PlainFrame[]][] = [
    ['for a number that was never used', datagram(9, 'x')],
    ['for a flow that is over', flow(1), reset(1), datagram(1, 'x')],
    ['without a peer on a flow for any', flow(1), datagram(1, 'x')],
    ['with a peer on a flow for one', flow(1, 'example.org', 1), datagram(1, 'x', [192, 0, 2, 1])],
    ['for port 0', flow(1), datagram(1, 'x', [192, 0, 2, 1], 0)],
    ['with flags', flow(1, 'example.org', 1), { ...datagram(1, ''), payload: bytesOf([1, 0, 1]) }],
    ['of an unknown family', flow(1), { ...datagram(1, ''), payload: bytesOf([0, 5, 1, 2, 3, 4, 5, 6, 7]) }],
    ['whose address is cut off', flow(1), { ...datagram(1, ''), payload: bytesOf([0, 6, 1, 2, 3, 4, 5, 6, 7]) }],
    ['whose name is cut off', flow(1), { ...datagram(1, ''), payload: bytesOf([0, 3, 9, 97]) }],
    ['whose name is none', flow(1), { ...datagram(1, ''), payload: bytesOf([0, 3, 1, 32, 0, 53, 1]) }],
    ['of nothing but flags and a family', flow(1), { ...datagram(1, ''), payload: bytesOf([0, 3]) }],
  ];

  test.each(dropped)('%s', (_what, ...frames) => {
    const { client, peer, heard } = served();
    peer.say(...frames);
    client.clock.advance(5);
    peer.settle();
    expect([peer.closeCode, heard]).toEqual([undefined, []]);
    expect(peer.heard(FrameType.taken)).toHaveLength(1);
  });
});

test('a flow of an unknown kind is refused', () => {
  const { peer, offered } = served();
  peer.say({ ...flow(1), payload: bytesOf([3, 0, 0, 0]) });
  expect([offered, peer.heard(FrameType.openFail)]).toEqual([[], [openFail(1, 10)]]);
});

test('more flows than may be are refused, and told; channels are counted by themselves', () => {
  const refused: string[] = [];
  const { client, peer, offered } = served({
    maxFlows: 2,
    onFlowRefused: ({ id }, code) => refused.push(`${id} ${code}`),
  });
  peer.say(open(1), flow(3), flow(5), flow(7));
  expect([offered.length, refused, peer.heard(FrameType.openFail)]).toEqual([
    2,
    ['7 LIMIT_REACHED'],
    [openFail(7, 11)],
  ]);
  peer.say(reset(3), flow(9));
  expect([offered.length, client.keeper.session.flowCount, client.keeper.session.channelCount]).toEqual([3, 2, 1]);
});

test('a draining server refuses flows with GOING_AWAY', () => {
  const { client, peer } = served();
  client.keeper.session.drain(1_000);
  peer.say(flow(1), taken(0, 0));
  expect(peer.heard(FrameType.openFail)).toEqual([openFail(1, 17)]);
});
