import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import type { NameKind } from '../../src/names/name-directory.js';
import { NamesElsewhere } from '../../src/names/names-elsewhere.js';
import { FakeOwner } from './fake-owner.js';

interface Process {
  readonly uid: string;
}

let clock: FakeClock;
/** Which process holds what, by pattern. */
let held: Map<string, string>;
let asked: string[];
let isAway: boolean;
/** The pattern that this process holds. */
let here: string | undefined;
let names: NamesElsewhere<Process>;

beforeEach(() => {
  clock = new FakeClock();
  held = new Map();
  asked = [];
  isAway = false;
  here = undefined;
  names = new NamesElsewhere<Process>({
    clock,
    find: async (key) => {
      asked.push(key);
      if (isAway) throw new Error('away');
      const uid = held.get(key.slice('@name/'.length));
      return uid === undefined ? [] : [{ uid }];
    },
    ownerAt: ({ uid }, kind) => new FakeOwner(`${uid} ${kind}`, 0),
  });
});

async function find(name: string, kind: NameKind = 'http'): Promise<string | undefined> {
  const found = await names.find(kind, name, () => here);
  return typeof found === 'string' ? found : `${(found.owner as FakeOwner).userId} by ${found.pattern}`;
}

test('the closest pattern that any process holds counts', async () => {
  held.set('*.example.org', 'far').set('a.example.org', 'near');
  expect(await find('a.example.org')).toBe('near http by a.example.org');
  expect(await find('b.example.org', 'tls')).toBe('far tls by *.example.org');
  expect(await find('example.net')).toBe('nobody');
  expect(asked.slice(0, 4)).toEqual(['@name/a.example.org', '@name/*.example.org', '@name/*.org', '@name/*']);
});

test('what was found is believed for 3 s, and so is that there is nobody', async () => {
  expect(await find('a.example')).toBe('nobody');
  held.set('a.example', 'one');
  clock.advance(2_999);
  expect(await find('a.example')).toBe('nobody');
  clock.advance(1);
  expect(await find('a.example')).toBe('one http by a.example');
  held.delete('a.example');
  expect(await find('a.example')).toBe('one http by a.example');
  clock.advance(3_000);
  expect(await find('a.example')).toBe('nobody');
});

test('news of a pattern, and of no other, ends that', async () => {
  await find('a.example');
  await find('b.example');
  asked = [];
  held.set('a.example', 'one').set('b.example', 'one');
  names.onNews(['@name/a.example', '@listener/alice/web']);
  expect([await find('a.example'), await find('b.example')]).toEqual(['one http by a.example', 'nobody']);
  names.onNews(['@name/*.example']);
  expect(await find('b.example')).toBe('one http by b.example');
});

test('those who ask at the same time ask once', async () => {
  await Promise.all([find('a.example'), find('a.example'), find('a.example', 'tls')]);
  expect(asked.length).toBe(3);
});

test('one owner is one, by any name it is reached', async () => {
  held.set('*.example', 'one');
  const ownerOf = async (kind: NameKind, name: string) => {
    const found = await names.find(kind, name, () => here);
    return typeof found === 'string' ? found : found.owner;
  };
  const owner = await ownerOf('http', 'a.example');
  expect(owner).toBeInstanceOf(FakeOwner);
  expect(await ownerOf('http', 'b.example')).toBe(owner);
  expect(await ownerOf('tls', 'a.example')).not.toBe(owner);
});

test('beyond 200 a second nothing new is looked up, and what was known counts on', async () => {
  held.set('known.example', 'one').set('new.example', 'one');
  expect(await find('known.example')).toBe('one http by known.example');
  clock.advance(60_000);
  for (let i = 0; i < 300; i++) await find(`n${i}.example`);
  expect(asked.filter((key) => /^@name\/n\d+\.example$/.test(key)).length).toBe(200);
  expect([await find('new.example'), await find('known.example')]).toEqual(['unknown', 'one http by known.example']);
  clock.advance(1_000);
  expect(await find('new.example')).toBe('one http by new.example');
});

test('while the store is away what was known counts on', async () => {
  held.set('a.example', 'one');
  await find('a.example');
  isAway = true;
  clock.advance(10_000);
  expect([await find('a.example'), await find('b.example')]).toEqual(['one http by a.example', 'unknown']);
});

test('a flood of names that nobody has costs those that processes hold nothing', async () => {
  held.set('held.example', 'one');
  await find('held.example');
  for (let i = 0; i < 20_000; i++) {
    clock.advance(5);
    await find(`n${i}.example`);
  }
  for (let i = 0; i < 300; i++) await find(`m${i}.example`);
  held.set('held.example', 'two');
  expect(await find('held.example')).toBe('two http by held.example');
});

test('news of more keys than are remembered counts for each of them', async () => {
  for (const name of ['a.example', 'b.example']) {
    await find(name);
    held.set(name, 'one');
  }
  names.onNews(['@name/a.example']);
  names.onNews(Array.from({ length: 10_000 }, (_, i) => `@name/n${i}.example`));
  expect([await find('a.example'), await find('b.example')]).toEqual([
    'one http by a.example',
    'one http by b.example',
  ]);
  asked = [];
  expect([await find('a.example'), asked.length]).toEqual(['one http by a.example', 0]);
});

test('news costs the same no matter what names strangers have asked for', async () => {
  const deep = `.${'a.'.repeat(110)}example`;
  for (let i = 0; i < 3_000; i++) {
    clock.advance(5);
    await find(`n${i}${deep}`);
  }
  const began = performance.now();
  // What users do with their listeners at full speed.
  for (let i = 0; i < 1_000; i++) names.onNews([`@name/m${i}.example`, `@listener/alice/${i}`]);
  expect(performance.now() - began).toBeLessThan(1_000);
});

test('a name that was given up a moment ago is waited for, 2 s at most', async () => {
  held.set('a.example', 'one').set('*.example', 'wild');
  expect(await find('a.example')).toBe('one http by a.example');
  held.delete('a.example');
  names.onNews(['@name/a.example']);
  const [moved, other] = [find('a.example'), find('b.example')];
  expect(await other).toBe('wild http by *.example');
  await Promise.resolve();
  held.set('a.example', 'two');
  names.onNews(['@name/a.example']);
  expect(await moved).toBe('two http by a.example');
  held.delete('a.example');
  names.onNews(['@name/a.example']);
  const gone = find('a.example');
  while (clock.pending === 0) await Promise.resolve();
  names.onNews(['@name/unrelated.example']);
  while (clock.pending === 0) await Promise.resolve();
  clock.advance(2_000);
  expect(await gone).toBe('wild http by *.example');
  expect(clock.pending).toBe(0);
});

test('a name that comes here is not waited for', async () => {
  names.onNews(['@name/a.example']);
  const moved = find('a.example');
  while (clock.pending === 0) await Promise.resolve();
  here = 'a.example';
  names.onNews(['@name/a.example']);
  expect(await moved).toBe('nobody');
});
