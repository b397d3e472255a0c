import { describe, expect, test } from 'vitest';
import { createLookup, type LookupOptions } from '../../../src/dial/names/lookup.js';

const { signal } = new AbortController();
const fails = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));

/** A lookup whose three sources are fakes, and which of them were asked. */
function lookupWith(options: LookupOptions = {}) {
  const asked: string[] = [];
  const answers: Required<Pick<LookupOptions, 'hostsFile' | 'ask' | 'system'>> = {
    hostsFile: () => [],
    ask: async () => ['192.0.2.1'],
    system: async () => ['192.0.2.2'],
    ...options,
  };
  const lookup = createLookup({
    ownAddresses: () => new Set(),
    nameservers: () => ['192.0.2.53'],
    ...options,
    hostsFile: (name) => {
      asked.push('hosts');
      return answers.hostsFile(name);
    },
    ask: (servers, question) => {
      asked.push(servers.join());
      return answers.ask(servers, question);
    },
    system: (name) => {
      asked.push('system');
      return answers.system(name);
    },
  });
  return { lookup: (name: string) => lookup(name, signal), asked };
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

  test('asks the system for what they do not know', async () => {
    const { lookup, asked } = lookupWith({ ask: fails('ENOTFOUND') });
    expect(await lookup('service.namespace')).toEqual(['192.0.2.2']);
    expect(asked).toEqual(['hosts', '192.0.2.53', 'system']);
  });

  test.each(['ESERVFAIL', 'ENODATA', 'ECONNREFUSED'])('asks nobody else after %s', async (code) => {
    const { lookup, asked } = lookupWith({ ask: fails(code) });
    await expect(lookup('example.org')).rejects.toMatchObject({ code });
    expect(asked).toEqual(['hosts', '192.0.2.53']);
  });

  test('asks the system alone for a name without a dot, and where it has no nameserver', async () => {
    const short = lookupWith();
    expect(await short.lookup('database')).toEqual(['192.0.2.2']);
    expect(short.asked).toEqual(['hosts', 'system']);
    const without = lookupWith({ nameservers: () => [] });
    expect(await without.lookup('example.org')).toEqual(['192.0.2.2']);
    expect(without.asked).toEqual(['hosts', 'system']);
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
