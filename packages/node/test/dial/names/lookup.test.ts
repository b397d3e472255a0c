import { describe, expect, test } from 'vitest';
import { createLookup, type LookupOptions } from '../../../src/dial/names/lookup.js';
import { FamilyErrors } from '../../../src/dial/names/lookup-errors.js';

const { signal } = new AbortController();
const fails = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));

/** A lookup whose three sources are fakes, which of them were asked, and the names that nameservers were asked for. */
function lookupWith(options: LookupOptions = {}) {
  const asked: string[] = [];
  const names: string[] = [];
  const answers: Required<Pick<LookupOptions, 'hostsFile' | 'ask' | 'system'>> = {
    hostsFile: () => [],
    ask: async () => ['192.0.2.1'],
    system: async () => ['192.0.2.2'],
    ...options,
  };
  const lookup = createLookup({
    ownAddresses: () => new Set(),
    nameservers: () => ['192.0.2.53'],
    namesFor: (name) => [name],
    systemTurn: () => 'after',
    ...options,
    hostsFile: (name) => {
      asked.push('hosts');
      return answers.hostsFile(name);
    },
    ask: (servers, question) => {
      asked.push(servers.join());
      names.push(question.name);
      return answers.ask(servers, question);
    },
    system: (...question) => {
      asked.push('system');
      return answers.system(...question);
    },
  });
  return { lookup: (name: string) => lookup(name, signal), asked, names };
}

describe('a lookup', () => {
  test('H12 believes the hosts file first', async () => {
    const { lookup, asked } = lookupWith({ hostsFile: () => ['192.0.2.3'] });
    expect(await lookup('example.org')).toEqual(['192.0.2.3']);
    expect(asked).toEqual(['hosts']);
  });

  test('asks the nameservers of the system then', async () => {
    const { lookup, asked } = lookupWith();
    expect(await lookup('example.org')).toEqual(['192.0.2.1']);
    expect(asked).toEqual(['hosts', '192.0.2.53']);
  });

  test.each(['ENOTFOUND', 'ESERVFAIL', 'EREFUSED', 'ENODATA', 'ECONNREFUSED'])(
    'asks the system after %s, where it knows more',
    async (code) => {
      const knows = lookupWith({ ask: fails(code) });
      expect(await knows.lookup('printer.example')).toEqual(['192.0.2.2']);
      expect(knows.asked).toEqual(['hosts', '192.0.2.53', 'system']);
      const knowsNoMore = lookupWith({ ask: fails(code), systemTurn: () => 'never' });
      await expect(knowsNoMore.lookup('example.org')).rejects.toMatchObject({ code });
      expect(knowsNoMore.asked).toEqual(['hosts', '192.0.2.53']);
    },
  );

  test('asks the system alone for what is no matter of nameservers, and where it has none', async () => {
    const local = lookupWith({ systemTurn: () => 'alone' });
    expect(await local.lookup('printer.local')).toEqual(['192.0.2.2']);
    expect(local.asked).toEqual(['hosts', 'system']);
    const without = lookupWith({ nameservers: () => [] });
    expect(await without.lookup('example.org')).toEqual(['192.0.2.2']);
    expect(without.asked).toEqual(['hosts', 'system']);
  });

  test.each(['ENOTFOUND', 'ESERVFAIL', 'ENODATA'])(
    'asks for one name after the other, until one is known: after %s too',
    async (code) => {
      const ask: LookupOptions['ask'] = async (_servers, { name }) =>
        name === 'redis.prod.c' ? ['192.0.2.4'] : fails(code)();
      const namesFor = (name: string) => ['a', 'b', 'c', 'd'].map((domain) => `${name}.${domain}`);
      const { lookup, names } = lookupWith({ ask, namesFor });
      expect(await lookup('redis.prod')).toEqual(['192.0.2.4']);
      expect(names).toEqual(['redis.prod.a', 'redis.prod.b', 'redis.prod.c']);
    },
  );

  test('goes on to the search domains after EREFUSED, and leaves those that follow it', async () => {
    const ask: LookupOptions['ask'] = async (_servers, { name }) =>
      name === 'first.a' ? ['192.0.2.4'] : fails('EREFUSED')();
    const { lookup, names } = lookupWith({
      ask,
      namesFor: (name) => (name === 'first' ? [name, `${name}.a`] : [`${name}.a`, `${name}.b`, name]),
      systemTurn: () => 'never',
    });
    expect(await lookup('first')).toEqual(['192.0.2.4']);
    await expect(lookup('last')).rejects.toMatchObject({ code: 'EREFUSED' });
    expect(names).toEqual(['first', 'first.a', 'last.a', 'last']);
  });

  test.each(['ENODATA', 'ENOTFOUND', 'ESERVFAIL'])(
    'asks below the next search domain where one family of addresses is refused and the other says %s',
    async (code) => {
      const errors = ['EREFUSED', code].map((each) => Object.assign(new Error(each), { code: each }));
      const ask: LookupOptions['ask'] = async (_servers, { name }) => {
        if (name === 'redis.b') return ['192.0.2.4'];
        throw new FamilyErrors(name === 'redis.a' ? errors : [...errors].reverse());
      };
      const namesFor = (name: string) => ['a', 'b'].map((domain) => `${name}.${domain}`);
      const { lookup } = lookupWith({ ask, namesFor, systemTurn: () => 'never' });
      expect(await lookup('redis')).toEqual(['192.0.2.4']);
      await expect(lookup('other')).rejects.toThrow(`${code}, EREFUSED`);
    },
  );

  test.each([
    [['redis.prod', 'redis.prod.a'], ['ENOTFOUND', 'ESERVFAIL'], 'ENOTFOUND'],
    [['redis.prod.a', 'redis.prod'], ['ENOTFOUND', 'ESERVFAIL'], 'ESERVFAIL'],
    [['redis.prod.a', 'redis.prod'], ['ESERVFAIL', 'ENOTFOUND'], 'ESERVFAIL'],
    [['redis.prod.a', 'redis.prod'], ['ENOTFOUND', 'ENODATA'], 'ENOTFOUND'],
  ])('that asked for %j and heard %j fails with %s', async (names, codes, code) => {
    const ask: LookupOptions['ask'] = (_servers, { name }) => fails(codes[names.indexOf(name)] ?? '')();
    const { lookup } = lookupWith({ ask, namesFor: () => names, systemTurn: () => 'never' });
    await expect(lookup('redis.prod')).rejects.toMatchObject({ code });
  });

  test('asks nothing but the servers it was given', async () => {
    const { lookup, asked } = lookupWith({ servers: ['192.0.2.54', '192.0.2.55:5353'], ask: fails('ENOTFOUND') });
    await expect(lookup('localhost')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect(asked).toEqual(['192.0.2.54,192.0.2.55:5353']);
  });

  test.each([
    ['2606:4700::1', ['2001:db8::1', '192.0.2.1']],
    ['fe80::1', ['192.0.2.1', '2001:db8::1']],
  ])('puts the family first that this host has addresses for: %s', async (own, order) => {
    const ask = async () => ['2001:db8::1', '192.0.2.1'];
    const { lookup } = lookupWith({ ask, ownAddresses: () => new Set([own]) });
    expect(await lookup('example.org')).toEqual(order);
  });
});
