import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { parseDestinationRule } from 'wsproxy-node/targets';
import { Authority, createAuthority } from '../../src/inspect/ca/authority.js';
import { Constraints } from '../../src/inspect/ca/constraints.js';
import { Interception } from '../../src/inspect/interception.js';
import { PassedThrough } from '../../src/inspect/passed-through.js';
import { clientHello } from './client-hello-bytes.js';
import { streamPair } from './stream-pair.js';

const rules = ['*.example.org', '192.0.2.0/24'].map(parseDestinationRule);
const authority = new Authority(createAuthority(new Constraints(rules), 'x', new Date()));

/** What the destination gets first of a connection to `host`, and what is told of it. */
async function first(host: string, hello: Buffer): Promise<{ got: Buffer; told: string[] }> {
  const told: string[] = [];
  const watcher = {
    onExchange: () => {
      throw new Error('nothing is seen');
    },
    onPassedThrough: (_where: object, reason: string) => void told.push(reason),
  };
  const task = {
    rules,
    authority,
    watcher,
    passed: new PassedThrough(watcher, silentLogger),
    trust: undefined,
    script: undefined,
    clock: new FakeClock(),
  };
  const [[application, near], [destination, far]] = [streamPair(), streamPair()];
  const dialAgain = (): Duplex => {
    throw new Error('it is dialled once');
  };
  void new Interception(task, { host, port: 443 }, 1, dialAgain).run(near, far);
  application.write(hello);
  const got = await new Promise<Buffer>((resolve) => destination.once('data', resolve));
  for (const stream of [application, near, destination, far]) stream.destroy();
  return { got, told };
}

describe('a ClientHello passes as it came', () => {
  test.each([
    ['www.example.org', { name: 'cover.example', isEncrypted: true }, 'the name that it asks for is encrypted (ECH)'],
    [
      'www.example.org',
      { name: 'cover.example.org', isEncrypted: true },
      'the name that it asks for is encrypted (ECH)',
    ],
    ['www.example.org', { name: 'other.example' }, 'it asks for other.example, which no rule names'],
    ['192.0.2.1', { name: 'other.example', isEncrypted: true }, 'it asks for other.example, which no rule names'],
    ['www.example.org', { protocols: ['acme-tls/1'] }, 'it speaks acme-tls/1, not HTTP'],
    ['www.example.org', { name: 'www.example.org', protocols: ['imap'] }, 'it speaks imap, not HTTP'],
  ])('to %s with %j, and it is told why', async (host, parts, reason) => {
    const hello = clientHello(parts);
    const { got, told } = await first(host, hello);
    expect(got.equals(hello)).toBe(true);
    expect(told).toEqual([reason]);
  });
});

describe('the destination gets a ClientHello of the client', () => {
  test.each([
    // Browsers make believe that there is another name.
    ['www.example.org', { name: 'www.example.org', isEncrypted: true, protocols: ['h2', 'http/1.1'] }],
    ['www.example.org', { name: 'api.example.org' }],
    ['192.0.2.1', { name: 'api.example.org' }],
    ['192.0.2.1', {}],
  ])('to %s in place of one with %j', async (host, parts) => {
    const hello = clientHello(parts);
    const { got, told } = await first(host, hello);
    expect(got[0]).toBe(0x16);
    expect(got.equals(hello)).toBe(false);
    expect(told).toEqual([]);
  });
});
