import { describe, expect, test } from 'vitest';
import { chooseSeed, Dice } from 'wsproxy-test-support/dice';
import { effort } from 'wsproxy-test-support/engine/effort';
import { startRelayedTunnel } from 'wsproxy-test-support/relayed-tunnel';
import type { Tunnel } from 'wsproxy-test-support/tunnel';
import { exchangeDatagrams, type Way } from './exchange.js';
import { type Direction, Ledger } from './ledger.js';
import { byAssociationEach, byConnectUdp, byForward, byLibrary, byOneAssociation } from './ways.js';

const FLOWS = 50;
const DATAGRAMS = effort('DATAGRAMS', 1_000);
/** Nothing arrives twice, or in another flow, or with other bytes, or from another port than before. */
const NOTHING_ELSE = { doubled: 0, changed: 0, astray: 0 };

type Prepare = (tunnel: Tunnel) => Way;

describe.each<[string, Prepare]>([
  ['SOCKS, an association each', byAssociationEach],
  ['SOCKS, one association for all', byOneAssociation],
  ['-L /udp', byForward],
  ['CONNECT-UDP', byConnectUdp],
  ['the library', byLibrary],
])('datagrams of 50 flows, by %s', { timeout: 90_000 + DATAGRAMS * 2 }, (name, prepare) => {
  const exchange = async (before: (tunnel: Awaited<ReturnType<typeof startRelayedTunnel>>, number: number) => void) => {
    const seed = chooseSeed();
    const tunnel = await startRelayedTunnel();
    const amount = { flows: FLOWS, datagrams: DATAGRAMS, before: (number: number) => before(tunnel, number) };
    const balance = await exchangeDatagrams(prepare(tunnel), amount, new Dice(seed));
    const { sent, lost } = balance;
    console.log(`${name}: ${sent} sent, ${lost} lost, ${tunnel.relay.accepted} transports; seed ${seed}`);
    return { balance, seed, transports: tunnel.relay.accepted };
  };

  test('arrive as they were sent, once, in their flow', async () => {
    const { balance, seed } = await exchange(() => {});
    expect(balance, `seed ${seed}`).toMatchObject({ ...NOTHING_ELSE, sources: FLOWS });
    expect(balance.lost, `seed ${seed}`).toBeLessThan(balance.sent / 10);
  });

  test('go on when the WebSocket is lost, again and again, from the same port', async () => {
    const { balance, seed, transports } = await exchange(({ relay }, number) => {
      if (number % 200 === 199) relay.cut(number % 400 === 399 ? 'reset' : 'end');
    });
    expect(balance, `seed ${seed}`).toMatchObject({ ...NOTHING_ELSE, sources: FLOWS });
    expect(balance.lost, `seed ${seed}`).toBeLessThan(balance.sent / 2);
    expect(transports).toBeGreaterThan(DATAGRAMS / 500);
  });
});

describe('the ledger of these tests', () => {
  const UP = [3, 'up'] as const;

  /** What it says when, of one datagram of 100 bytes and one of 1 byte in flow 3, these arrive. */
  const judge = (arriving: (long: Buffer, short: Buffer) => readonly (readonly [number, Direction, Buffer])[]) => {
    const ledger = new Ledger();
    const made = [100, 1].map((length) => ledger.make(...UP, length)) as [Buffer, Buffer];
    for (const [flow, direction, bytes] of arriving(...made)) ledger.take(flow, direction, bytes);
    const { sent, received, lost, ...faults } = ledger.balance();
    expect([sent, lost]).toEqual([2, 2 - received]);
    return { received, ...Object.fromEntries(Object.entries(faults).filter(([, count]) => count > 0)) };
  };

  test.each<[string, Parameters<typeof judge>[0], object]>([
    ['nothing', () => [], { received: 0 }],
    ['both', (...both) => both.map((each) => [...UP, each]), { received: 2 }],
    ['one twice', (long) => [0, 1].map(() => [...UP, long]), { received: 1, doubled: 1 }],
    ['a short one twice', (_, short) => [0, 1].map(() => [...UP, short]), { received: 1, doubled: 1 }],
    ['one in another flow', (long) => [[4, 'up', long]], { received: 0, astray: 1 }],
    ['a short one in another flow', (_, short) => [[4, 'up', short]], { received: 0, changed: 1 }],
    ['one that was turned round', (long) => [[3, 'down', long]], { received: 0, astray: 1 }],
    ['one that was cut', (long) => [[...UP, long.subarray(1)]], { received: 0, changed: 1 }],
    ['one with another byte', (long) => [[...UP, long.fill(0, 50, 60)]], { received: 0, changed: 1 }],
  ])('tells %s', (_what, arriving, told) => {
    expect(judge(arriving)).toEqual(told);
  });
});
