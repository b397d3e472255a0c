import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { createResolver, type ResolverOptions } from '../../../src/dial/names/resolver.js';
import type { Lookup } from '../../../src/dial/names/system-lookup.js';

const never = () => new AbortController().signal;

/** A lookup whose answers are given by hand, and the names it was asked for. */
function manualLookup() {
  const questions: { name: string; answer(...addresses: readonly string[]): void; fail(code: string): void }[] = [];
  const lookup: Lookup = (name) =>
    new Promise((resolve, reject) => {
      questions.push({
        name,
        answer: (...addresses) => resolve(addresses),
        fail: (code) => reject(Object.assign(new Error(`getaddrinfo ${code} ${name}`), { code })),
      });
    });
  return { lookup, questions, names: () => questions.map(({ name }) => name) };
}

function resolverWith(options: ResolverOptions) {
  const clock = new FakeClock();
  return { clock, resolver: createResolver({ clock, ...options }) };
}

describe('an answer', () => {
  test('keeps the order of the system', async () => {
    const { resolver } = resolverWith({ lookup: async () => ['2001:db8::1', '192.0.2.1'] });
    expect(await resolver.resolve('example.com', never())).toEqual(['2001:db8::1', '192.0.2.1']);
  });

  test('is cut to 16 addresses', async () => {
    const many = Array.from({ length: 4_096 }, (_, i) => `192.0.${i >> 8}.${i & 255}`);
    const { resolver } = resolverWith({ lookup: async () => many });
    const addresses = await resolver.resolve('example.com', never());
    expect(addresses).toEqual(many.slice(0, 16));
  });

  test('comes from the system by default', async () => {
    const addresses = await createResolver().resolve('localhost', never());
    expect(['127.0.0.1', '::1']).toContain(addresses[0]);
  });

  test('leaves no timer behind', async () => {
    const { resolver, clock } = resolverWith({ lookup: async () => ['192.0.2.1'] });
    await resolver.resolve('example.com', never());
    expect(clock.pending).toBe(0);
  });
});

describe('a failure', () => {
  test.each([
    ['ENOTFOUND', 'NAME_NOT_FOUND'],
    ['ENODATA', 'NAME_NOT_FOUND'],
    ['EAI_AGAIN', 'NAME_LOOKUP_FAILED'],
    ['ESERVFAIL', 'NAME_LOOKUP_FAILED'],
    ['ENOMEM', 'NAME_LOOKUP_FAILED'],
  ])('of the system with %s is %s', async (errno, code) => {
    const { lookup, questions } = manualLookup();
    const { resolver, clock } = resolverWith({ lookup });
    const result = resolver.resolve('example.com', never());
    questions[0]?.fail(errno);
    await expect(result).rejects.toMatchObject({
      name: 'TunnelError',
      code,
      message: `lookup of example.com: ${errno}`,
    });
    expect(clock.pending).toBe(0);
  });

  test('is what an answer without addresses is', async () => {
    const { resolver } = resolverWith({ lookup: async () => [] });
    await expect(resolver.resolve('example.com', never())).rejects.toMatchObject({ code: 'NAME_NOT_FOUND' });
  });

  test('of a lookup that throws at once is one too', async () => {
    const { resolver } = resolverWith({
      lookup: () => {
        throw new Error('no such thing');
      },
    });
    await expect(resolver.resolve('example.com', never())).rejects.toMatchObject({ code: 'NAME_LOOKUP_FAILED' });
  });
});

describe('the deadline', () => {
  test('ends a lookup after 5 s', async () => {
    const { resolver, clock } = resolverWith({ lookup: manualLookup().lookup });
    const result = resolver.resolve('example.com', never());
    clock.advance(4_999);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    await expect(result).rejects.toMatchObject({ code: 'NAME_LOOKUP_TIMEOUT' });
  });

  test('counts the time a name waits for its turn', async () => {
    const { lookup, names } = manualLookup();
    const { resolver, clock } = resolverWith({ lookup, concurrency: 1 });
    const first = resolver.resolve('first.example', never());
    clock.advance(3_000);
    const second = resolver.resolve('second.example', never());
    clock.advance(2_000);
    await expect(first).rejects.toMatchObject({ code: 'NAME_LOOKUP_TIMEOUT' });
    clock.advance(3_000);
    await expect(second).rejects.toMatchObject({ code: 'NAME_LOOKUP_TIMEOUT' });
    expect(names()).toEqual(['first.example']);
  });
});

describe('at most 512 lookups', () => {
  test('run at a time, the others in order after them', async () => {
    const { lookup, questions, names } = manualLookup();
    const waiting: string[] = [];
    const { resolver } = resolverWith({ lookup, onWait: (user) => waiting.push(user) });
    const all = Array.from({ length: 514 }, (_, i) => resolver.resolve(`host${i}.example`, never(), `user${i % 3}`));
    expect(questions).toHaveLength(512);
    expect(waiting).toEqual(['user2', 'user0']);

    questions[7]?.answer('192.0.2.7');
    await all[7];
    expect(names().slice(512)).toEqual(['host512.example']);
    questions[8]?.fail('ENOTFOUND');
    await expect(all[8]).rejects.toMatchObject({ code: 'NAME_NOT_FOUND' });
    expect(names().slice(512)).toEqual(['host512.example', 'host513.example']);

    for (const question of questions) question.answer('192.0.2.1');
    await Promise.allSettled(all);
  });

  test('make room when they are done, whether or not anybody waits', async () => {
    const { lookup, questions } = manualLookup();
    const { resolver } = resolverWith({ lookup, concurrency: 1 });
    for (const round of [1, 2, 3]) {
      const result = resolver.resolve('example.com', never());
      expect(questions).toHaveLength(round);
      questions[round - 1]?.answer('192.0.2.1');
      await result;
    }
  });

  test('are running, not wanted: one that was given up holds its place until the system has answered', async () => {
    const { lookup, questions, names } = manualLookup();
    const { resolver, clock } = resolverWith({ lookup, concurrency: 1 });
    const dead = resolver.resolve('dead.example', never());
    clock.advance(5_000);
    await expect(dead).rejects.toMatchObject({ code: 'NAME_LOOKUP_TIMEOUT' });

    const next = resolver.resolve('next.example', never());
    expect(names()).toEqual(['dead.example']);
    questions[0]?.answer('192.0.2.1');
    await expect.poll(names).toEqual(['dead.example', 'next.example']);
    questions[1]?.answer('192.0.2.2');
    expect(await next).toEqual(['192.0.2.2']);
  });
});

describe('a user', () => {
  test('whose names are dead holds up nobody else', async () => {
    const { lookup, questions, names } = manualLookup();
    const { resolver } = resolverWith({ lookup, concurrency: 4 });
    const dead = ['a', 'b', 'c'].map((name) => resolver.resolve(name, never(), 'alice'));
    expect(names()).toEqual(['a', 'b']);
    const good = resolver.resolve('good', never(), 'bob');
    questions[2]?.answer('192.0.2.1');
    expect(await good).toEqual(['192.0.2.1']);
    expect(names()).toEqual(['a', 'b', 'good']);
    questions[0]?.answer('192.0.2.2');
    await dead[0];
    expect(names()).toEqual(['a', 'b', 'good', 'c']);
    for (const { answer } of questions) answer('192.0.2.3');
    await Promise.all(dead);
  });

  test('may have half of the lookups', async () => {
    const { lookup, questions } = manualLookup();
    const resolver = createResolver({ clock: new FakeClock(), lookup });
    const all = Array.from({ length: 258 }, (_, i) => resolver.resolve(`host${i}`, never(), 'alice'));
    expect(questions).toHaveLength(256);
    const other = resolver.resolve('other', never(), 'bob');
    expect(questions).toHaveLength(257);
    for (let i = 0; i < 259; i += 1) {
      await expect.poll(() => questions.length).toBeGreaterThan(i);
      questions[i]?.answer('192.0.2.1');
    }
    await Promise.all([...all, other]);
  });
});

describe('an abort', () => {
  test('rejects at once with its reason', async () => {
    const { lookup, questions } = manualLookup();
    const { resolver, clock } = resolverWith({ lookup });
    const controller = new AbortController();
    const result = resolver.resolve('example.com', controller.signal);
    const reason = new Error('given up');
    controller.abort(reason);
    await expect(result).rejects.toBe(reason);
    expect(clock.pending).toBe(0);
    questions[0]?.answer('192.0.2.1');
  });

  test('takes a waiting name out of the queue', async () => {
    const { lookup, questions, names } = manualLookup();
    const { resolver } = resolverWith({ lookup, concurrency: 1 });
    const controller = new AbortController();
    const first = resolver.resolve('first.example', never());
    const second = resolver.resolve('second.example', controller.signal);
    const third = resolver.resolve('third.example', never());
    controller.abort(new Error('given up'));
    await expect(second).rejects.toThrow('given up');
    questions[0]?.answer('192.0.2.1');
    await first;
    questions[1]?.answer('192.0.2.3');
    await third;
    expect(names()).toEqual(['first.example', 'third.example']);
  });

  test('that came before asks nothing', async () => {
    const { lookup, questions } = manualLookup();
    const { resolver, clock } = resolverWith({ lookup });
    await expect(resolver.resolve('example.com', AbortSignal.abort(new Error('given up')))).rejects.toThrow('given up');
    expect(questions).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
