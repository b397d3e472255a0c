import { expect, test } from 'vitest';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { effort } from 'wsproxy-test-support/engine/effort';
import { heldMemory } from 'wsproxy-test-support/engine/heap';
import { decodePlain, encodePlain, type PlainFrame } from 'wsproxy-test-support/engine/oracle-codec';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { Random } from 'wsproxy-test-support/engine/random';
import type { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import { SimLink } from 'wsproxy-test-support/engine/sim-link';
import { join, zeros } from '../../src/bytes.js';
import type { OfferedChannel } from '../../src/channel/channel.js';
import { MAX_PING_INTERVAL, SILENCE_HEARTBEATS } from '../../src/constants.js';
import { FrameType } from '../../src/frame/frame.js';
import type { OfferedListener } from '../../src/listen/listener.js';
import type { Session } from '../../src/session/session.js';
import type { FakeClock } from '../../src/testing/fake-clock.js';
import { ADDRESS, ARRIVAL, ListenPair, ListenRecorder, REQUEST } from './listen-pair.js';
import { RawClient, RawServer } from './raw-session.js';

/** In each direction. */
const EACH = effort('MUTATIONS', 20_000) / 2;
const TIME_LIMIT = 10_000 + EACH;
/** What the heap may vary by, bytes: compiled code and caches; of a million runs that left something behind, far more. */
const FLAT = 16 * 1024 * 1024;

/** After so much silence every session is lost, also one whose client asks for the slowest heartbeat there is, ms. */
const LONGEST_SILENCE = SILENCE_HEARTBEATS * MAX_PING_INTERVAL + 60_000;

const target = { host: 'example.org', port: 80 };

/** Sends back what comes, ends and is reset as the number of the channel has it. */
function echo(channel: OfferedChannel): void {
  if (channel.id % 4 === 3) return channel.refuse('DENIED');
  channel.accept();
  channel.start({
    onData(chunk) {
      channel.write(bytesOf(chunk));
      channel.consumed(chunk.length);
    },
    onEnd: () => channel.end(),
    onReset() {},
    onWritable() {},
  });
}

/** Asks for listeners of both kinds, and answers what comes to them. */
function askForTwo(client: Session): ListenRecorder {
  const near = new ListenRecorder();
  near.onOffer = (one) => ('appetite' in one ? echo(one) : one.accept());
  for (const kind of ['tcp', 'udp'] as const) client.listen({ ...REQUEST, kind }, near);
  return near;
}

/** Lets the listener listen, and something arrive at it. */
function bring(server: Session, listener: OfferedListener): void {
  listener.accept(ADDRESS);
  const handler = { onOpen() {}, onFail() {} };
  if (listener.request.kind === 'udp') return server.openIncomingFlow(listener, ARRIVAL, handler).send(zeros(9));
  for (let n = 0; n < 4; n++) {
    const channel = server.openIncoming(listener, { ...ARRIVAL, name: n === 0 ? '' : 'app.example.org' }, handler);
    channel.write(pattern(n, 0, 10 + n * 40));
    channel.end();
    channel.start({ onData: ({ length }) => channel.consumed(length), onEnd() {}, onReset() {}, onWritable() {} });
  }
}

function exchange({ clock }: ListenPair, link: SimLink): void {
  for (let round = 0; round < 4; round++) {
    clock.runDeferred();
    for (const way of [0, 1] as const) link.deliver(way, 10_000);
    clock.advance(5);
  }
}

/**
 * What client and server said to each other in an exchange in which everything went well. Without acknowledgements: said once more,
 * at another pace, they would be wrong from the first one on, and hide everything behind it.
 */
function record(): [client: PlainFrame[], server: PlainFrame[]] {
  const pair = new ListenPair();
  pair.keeper.onChannel = echo;
  pair.onListen = (listener) => bring(pair.server, listener);
  const said: [Uint8Array[], Uint8Array[]] = [[], []];
  const link = new SimLink();
  link.ends.forEach((end, way) => {
    const send = end.send.bind(end);
    end.send = (parts) => {
      said[way]?.push(...parts.map((part) => bytesOf(part)));
      send(parts);
    };
  });
  pair.join(...link.ends);
  for (let n = 0; n < 8; n++) {
    const near = pair.request();
    near.channel.write(pattern(n, 0, 10 + n * 40));
    if (n === 5) near.channel.end('CONNECTION_RESET');
    else near.channel.end();
    exchange(pair, link);
  }
  const near = askForTwo(pair.client);
  for (let n = 0; n < 2; n++) exchange(pair, link);
  near.flows[0]?.close();
  exchange(pair, link);
  expect([pair.client.channelCount, near.channels.length, near.flows.length]).toEqual([0, 4, 1]);
  pair.client.leave('done');
  const frames = said.map((parts) => decodePlain(join(parts)).frames.filter(({ type }) => type !== FrameType.taken));
  return frames as [PlainFrame[], PlainFrame[]];
}

const [fromClient, fromServer] = record();

/** Does all the runs, and compares what they keep in memory after the first tenth and after the last one. */
function expectFlat(run: (seed: number) => void): void {
  let early = 0;
  for (let seed = 1; seed <= EACH; seed++) {
    run(seed);
    if (seed === EACH / 10) early = heldMemory();
  }
  const late = heldMemory();
  expect(late - early, `${mib(early)} MiB of heap after a tenth of the runs, ${mib(late)} MiB after all`).toBeLessThan(
    FLAT,
  );
}

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}

function noise(random: Random): Uint8Array {
  return bytesOf(Array.from({ length: 1 + random.below(20) }, () => random.below(256)));
}

/** One or more things that are wrong with a conversation: bits, lengths, missing or repeated or exchanged frames. */
function mutate(frames: readonly PlainFrame[], random: Random): Uint8Array {
  const all = frames.map(encodePlain);
  for (let n = 1 + random.below(3); n > 0; n--) {
    const at = random.below(all.length);
    const one = bytesOf(all[at] ?? zeros(0));
    const kind = random.below(8);
    if (kind === 0) all.splice(at, 1);
    else if (kind === 1) all.splice(at, 0, one);
    else if (kind === 2) all.splice(random.below(all.length), 0, ...all.splice(at, 1));
    else if (kind === 3) all.splice(at, 1, one.subarray(0, random.below(one.length)));
    else if (kind === 4) all.splice(at, 0, noise(random));
    else {
      // Headers are where the decisions are.
      const place = random.chance(0.7) ? random.below(8) : random.below(one.length);
      one[place] = random.chance(0.5) ? random.below(256) : (one[place] ?? 0) ^ (1 << random.below(8));
      all.splice(at, 1, one);
    }
  }
  return join(all);
}

/** Anyone who is left is cut off, most of them at once: the silence of half an hour takes its time to play. */
function silence(clock: FakeClock, peer: RawPeer, random: Random): void {
  if (random.chance(0.9)) {
    peer.close(1006);
    peer.settle();
    clock.advance(60_000);
  } else clock.advance(LONGEST_SILENCE);
}

const allowed = new Set([undefined, 1000, 4002, 4003, 4004, 4006]);

/** A server whose client is to be played. */
function freshServer(): RawClient {
  const client: RawClient = new RawClient({
    onListen: (listener) => bring(client.keeper.session, listener),
    onFlow() {},
  });
  client.keeper.onChannel = echo;
  return client;
}

/** And a client that has asked for everything, whose server is. */
function freshClient(): RawServer {
  const server = new RawServer();
  for (let n = 0; n < 8; n++) {
    const channel = server.session.open(target, { onOpen() {}, onFail() {} });
    channel.write(pattern(n, 0, 10 + n * 40));
    if (n !== 5) channel.end();
    channel.start({ onData: ({ length }) => channel.consumed(length), onEnd() {}, onReset() {}, onWritable() {} });
  }
  askForTwo(server.session);
  return server;
}

test('what is mutated is taken to its end as it is', () => {
  const [client, server] = [freshServer(), freshClient()];
  const [near, far] = [client.connect(), server.connect()];
  near.say(...fromClient);
  far.say(...fromServer);
  expect([client.keeper.log.closings, server.log.closings, far.closeCode]).toEqual([
    ['the peer has left'],
    [],
    undefined,
  ]);
});

test(
  `F20: a server closes with a protocol error, and never throws, at ${EACH} mutations of what clients say`,
  () => {
    const codes = new Map<number | undefined, number>();
    expectFlat((seed) => {
      const random = new Random(seed);
      const client = freshServer();
      const peer = client.connect();
      const bytes = mutate(fromClient, random);
      const cut = random.below(bytes.length);
      peer.say(bytes.subarray(0, cut)).say(bytes.subarray(cut));
      if (!allowed.has(peer.closeCode)) throw new Error(`seed ${seed}: closed with ${peer.closeCode}`);
      codes.set(peer.closeCode, (codes.get(peer.closeCode) ?? 0) + 1);
      silence(client.clock, peer, random);
      if (client.clock.pending > 0) throw new Error(`seed ${seed}: ${client.clock.pending} timers are left`);
    });
    // Most mutations are noticed, and those that cannot be are no error.
    expect(codes.get(4003)).toBeGreaterThan(EACH / 2);
    expect(codes.size).toBeGreaterThan(2);
  },
  TIME_LIMIT,
);

test(
  `F20: a client closes with a protocol error, and never throws, at ${EACH} mutations of what servers say`,
  () => {
    let errors = 0;
    expectFlat((seed) => {
      const random = new Random(seed);
      const server = freshClient();
      const peer = server.connect();
      const bytes = mutate(fromServer, random);
      const cut = random.below(bytes.length);
      peer.say(bytes.subarray(0, cut)).say(bytes.subarray(cut));
      if (!allowed.has(peer.closeCode)) throw new Error(`seed ${seed}: closed with ${peer.closeCode}`);
      errors += Number(peer.closeCode === 4003);
      silence(server.clock, peer, random);
      if (server.clock.pending > 0) throw new Error(`seed ${seed}: ${server.clock.pending} timers are left`);
    });
    expect(errors).toBeGreaterThan(EACH / 2);
  },
  TIME_LIMIT,
);
