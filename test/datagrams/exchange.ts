import type { RemoteInfo } from 'node:dgram';
import { setImmediate as aTurn } from 'node:timers/promises';
import type { Dice } from 'wsproxy-test-support/dice';
import { bindDatagrams, type DatagramSocket } from 'wsproxy-test-support/sockets/datagram-socket';
import { until } from 'wsproxy-test-support/until';
import { type Balance, Ledger } from './ledger.js';

/** Bytes under way at a time, both directions together: less than any buffer of the system on the way. */
const UNDER_WAY = 100_000;
/** After so long what is under way counts as lost, ms. */
const PATIENCE = 200;
/** The same at the end, when a resume may still be on its way. */
const LAST_PATIENCE = 3_000;

/** How an application sends in each of its flows. */
export type Send = (flow: number, bytes: Buffer) => Promise<void>;

/** A way for datagrams, from applications to destinations. */
export interface Way {
  /** What it can carry, bytes. */
  readonly longest: number;
  /** Each flow has a destination of its own, or all have the same one. */
  readonly destinations: 'one each' | 'one';
  /** Opens the flows, to these ports of 127.0.0.1, and tells what comes in each. */
  open(flows: number, ports: readonly number[], onDatagram: (flow: number, bytes: Buffer) => void): Promise<Send>;
}

/** How much of what is made, and what happens meanwhile. */
export interface Amount {
  readonly flows: number;
  readonly datagrams: number;
  /** Called before each. */
  readonly before?: (number: number) => void;
}

/** Where a destination hears one flow from. */
interface Source {
  readonly at: DatagramSocket;
  readonly port: number;
}

/**
 * Sends datagrams up and down, in flows as chance has it, and gives what has become of them. `sources` are the addresses that
 * destinations have heard the flows from.
 */
export async function exchangeDatagrams(
  way: Way,
  { flows, datagrams, before = () => {} }: Amount,
  dice: Dice,
): Promise<Balance & { readonly sources: number }> {
  const ledger = new Ledger();
  const heard = new Map<string, number>();
  const sources = new Map<number, Source>();
  const hear = (at: DatagramSocket, bytes: Buffer, { port }: RemoteInfo): void => {
    const name = `${port} to ${at.port}`;
    const flow = heard.get(name) ?? (bytes.length < 2 ? -1 : bytes.readUInt16BE(0));
    heard.set(name, flow);
    sources.set(flow, { at, port });
    ledger.take(flow, 'up', bytes);
  };
  const destinations: DatagramSocket[] = [];
  for (let n = 0; n < (way.destinations === 'one' ? 1 : flows); n += 1) {
    const at: DatagramSocket = await bindDatagrams((bytes, from) => hear(at, bytes, from));
    destinations.push(at);
  }
  const ports = destinations.map(({ port }) => port);
  const send = await way.open(flows, ports, (flow, bytes) => ledger.take(flow, 'down', bytes));
  for (let flow = 0; flow < flows; flow += 1) {
    // Nobody knows of a flow before its first datagram, which may be lost as any.
    await until(`flow ${flow} is there`, async () => {
      if (!sources.has(flow)) await send(flow, ledger.make(flow, 'up', 100));
      return sources.has(flow);
    });
  }

  let writtenOff = 0;
  const settle = async (patience: number): Promise<void> => {
    const end = performance.now() + patience;
    // A look at every turn: what is under way is here within one or two.
    while (ledger.balance().lost > writtenOff && performance.now() < end) await aTurn();
    writtenOff = ledger.balance().lost;
  };
  let underWay = 0;
  for (let number = 0; number < datagrams; number += 1) {
    before(number);
    const flow = dice.between(0, flows);
    const length = lengthUpTo(way.longest, dice);
    const source = sources.get(flow);
    if (source !== undefined && dice.between(0, 2) === 0) {
      await source.at.send(ledger.make(flow, 'down', length), source.port);
    } else {
      await send(flow, ledger.make(flow, 'up', length));
    }
    underWay += length;
    if (underWay > UNDER_WAY) {
      await settle(PATIENCE);
      underWay = 0;
    }
  }
  await settle(LAST_PATIENCE);
  return { ...ledger.balance(), sources: heard.size };
}

/** Short ones as often as long ones, on a logarithmic scale; one in ten is the shortest or the longest. */
function lengthUpTo(longest: number, dice: Dice): number {
  if (dice.between(0, 10) === 0) return dice.between(0, 2) === 0 ? 1 : longest;
  return Math.floor(longest ** (dice.between(0, 1_000_001) / 1_000_000));
}
