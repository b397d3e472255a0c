import { beforeEach, expect, test } from 'vitest';
import { type FailureCode, TunnelError } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import type { NameErrand } from '../src/cluster/errand.js';
import type { Route } from '../src/cluster/route.js';
import type { NameOwner } from '../src/names/name-owner.js';
import { type StreamEnd, streamPair } from '../src/names/stream-pair.js';
import { namesOfOthers } from '../src/names-of-others.js';

/** What a process answers: why it does not take what comes, or the far end of what it has taken. */
type Answer = FailureCode | 'taken';

const NAME = 'a.example';

let clock: FakeClock;
/** Who has the name, as the store says: a process, this one, or nobody. */
let holder: string | undefined;
let answers: Record<string, Answer>;
let asked: string[];
let here: StreamEnd[];

beforeEach(() => {
  clock = new FakeClock();
  holder = 'one';
  answers = {};
  asked = [];
  here = [];
});

/** Brings something to the one who has the name; what is told of it. */
async function bring(body = 'hello') {
  const taken: StreamEnd[] = [];
  const owner: NameOwner = {
    backlog: 1,
    isAttached: true,
    beginVisit: () => () => {},
    arrive: (_arrival, stream, events) => {
      here.push(stream as StreamEnd);
      events?.onOpen();
    },
  };
  const names = namesOfOthers({
    clock,
    backlog: 64,
    find: async () => (holder === undefined || holder === 'here' ? [] : [{ node: 'n', uid: holder }]),
    send: async ({ uid }: Route, { name }: NameErrand) => {
      asked.push(`${uid} ${name}`);
      const answer = answers[uid] ?? 'taken';
      if (answer !== 'taken') throw new TunnelError(answer);
      const { near, far } = streamPair();
      taken.push(near);
      return far;
    },
    ownerOf: async (kind, name) => {
      if (holder === 'here') return owner;
      const found = await names.find(kind, name, () => undefined);
      return typeof found === 'string' ? undefined : found.owner;
    },
  });
  const found = await names.find('http', NAME, () => undefined);
  if (typeof found === 'string') throw new Error(found);
  const { near, far } = streamPair();
  near.write(body);
  const told: string[] = [];
  found.owner.arrive({ peer: undefined, local: undefined, name: NAME }, far, {
    onOpen: () => told.push('open'),
    onFail: (code) => told.push(code),
  });
  await turns();
  return { near, told, taken };
}

/** Lets promises settle that wait for no time. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
}

async function pass(ms: number): Promise<void> {
  for (let i = 0; i < ms; i += 50) {
    clock.advance(50);
    await turns();
  }
}

test.each<FailureCode>(['NAME_NOT_FOUND', 'TAKEN_OVER', 'GOING_AWAY', 'SESSION_LOST', 'TUNNEL_DOWN'])(
  'what comes for a name that has gone elsewhere is brought there, whole (%s)',
  async (code) => {
    answers['one'] = code;
    const { told, taken } = await bring();
    holder = 'two';
    await pass(50);
    expect([told, asked]).toEqual([['open'], [`one ${NAME}`, `two ${NAME}`]]);
    expect(String(taken[0]?.read())).toBe('hello');
  },
);

test('also to this process', async () => {
  answers['one'] = 'NAME_NOT_FOUND';
  const { told } = await bring();
  holder = 'here';
  await pass(50);
  expect([told, String(here[0]?.read())]).toEqual([['open'], 'hello']);
});

test('it waits for three seconds while nobody has the name, and is told the first reason then', async () => {
  answers['one'] = 'TAKEN_OVER';
  const { told, near } = await bring();
  holder = undefined;
  await pass(2_900);
  expect(told).toEqual([]);
  await pass(200);
  expect([told, near.destroyed]).toEqual([['TAKEN_OVER'], true]);
});

test('a client that says again and again that it goes is asked a few times', async () => {
  answers['one'] = 'TAKEN_OVER';
  await bring();
  await pass(3_100);
  expect(asked.length).toBeGreaterThan(1);
  expect(asked.length).toBeLessThan(10);
});

test('what the client says is told at once', async () => {
  answers['one'] = 'CONNECTION_REFUSED';
  const { told } = await bring();
  expect(told).toEqual(['CONNECTION_REFUSED']);
});

test('nobody is asked any more for one who has left', async () => {
  answers['one'] = 'TAKEN_OVER';
  const { told, near } = await bring();
  near.destroy();
  await pass(200);
  expect([told, asked, clock.pending]).toEqual([[], [`one ${NAME}`], 0]);
});
