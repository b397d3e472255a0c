import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { type FirstBytes, readFirstBytes } from '../../src/inspect/first-bytes.js';
import { clientHello } from './client-hello-bytes.js';
import { streamPair } from './stream-pair.js';

interface Reading {
  readonly clock: FakeClock;
  readonly application: Duplex;
  readonly destination: Duplex;
  /** What has been found. */
  readonly first: Promise<FirstBytes>;
  readonly near: Duplex;
  readonly far: Duplex;
}

function begin(): Reading {
  const clock = new FakeClock();
  const [[application, near], [destination, far]] = [streamPair(), streamPair()];
  return { clock, application, destination, near, far, first: readFirstBytes(near, far, clock) };
}

const kindOf = (text: string): Promise<string> => {
  const { application, first } = begin();
  application.write(text, 'latin1');
  return first.then(({ kind }) => kind);
};

describe('what an application speaks', () => {
  test.each([
    ['GET / HTTP/1.1\r\n', 'http/1.1'],
    ['\r\nM-SEARCH * HTTP/1.1\r\nHost: x\r\n\r\n', 'http/1.1'],
    ['PROPFIND /\xe9 HTTP/1.0\n', 'http/1.1'],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0', 'h2'],
    ['PRI * HTTP/1.1\r\n', 'http/1.1'],
    ['GET / SIP/2.0\r\n', 'other'],
    ['GET  / HTTP/1.1\r\n', 'other'],
    ['EHLO example.org\r\n', 'other'],
    ['SSH-2.0-OpenSSH\r\n', 'other'],
    ['\x05\x01\x00', 'other'],
    ['{"json": true}\n', 'other'],
    ['\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00', 'other'],
  ])('by %j is %s', async (text, expected) => {
    expect(await kindOf(text)).toBe(expected);
  });

  test('is TLS, with what the ClientHello says', async () => {
    const { application, first } = begin();
    application.write(clientHello({ name: 'a.org', protocols: ['h2'] }));
    expect(await first).toEqual({ kind: 'tls', hello: { serverName: 'a.org', protocols: ['h2'], isEncrypted: false } });
  });

  test('is found in any pieces, and all of them are still there', async () => {
    const whole = fc.constantFrom(
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      clientHello({ name: 'a.org' }).toString('latin1'),
      'QUIT x\r\n',
    );
    await fc.assert(
      fc.asyncProperty(whole, fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 40 }), async (text, sizes) => {
        const expected = await kindOf(text);
        const { application, first, near } = begin();
        let at = 0;
        for (const size of [...sizes, text.length]) {
          application.write(text.slice(at, at + size), 'latin1');
          at += size;
        }
        expect((await first).kind).toBe(expected);
        await turn();
        let left = '';
        for (let piece = near.read(); piece !== null; piece = near.read()) left += (piece as Buffer).toString('latin1');
        expect(left).toBe(text);
      }),
      { numRuns: 50 },
    );
  });

  test('is nothing to be told before somebody speaks, however long that takes', async () => {
    const { clock, first, application } = begin();
    let isKnown = false;
    void first.then(() => {
      isKnown = true;
    });
    clock.advance(3_600_000);
    await turn();
    expect([isKnown, clock.pending]).toEqual([false, 0]);
    application.write('GET / HTTP/1.1\r\n');
    expect((await first).kind).toBe('http/1.1');
  });

  test('is no HTTP when the rest of a line does not come within 5 s', async () => {
    const { clock, first, application, near } = begin();
    application.write('GET /');
    await turn();
    clock.advance(4_999);
    await turn();
    clock.advance(1);
    expect(await first).toEqual({ kind: 'other', reason: 'it does not speak HTTP' });
    expect(String(near.read())).toBe('GET /');
  });

  test('is no HTTP when the destination speaks first, and what came of both is still there', async () => {
    const { first, application, destination, near, far } = begin();
    application.write('GE');
    await turn();
    destination.write('220 hello\r\n');
    expect(await first).toEqual({ kind: 'other', reason: 'the destination speaks first, as HTTP does not' });
    expect([String(near.read()), String(far.read())]).toEqual(['GE', '220 hello\r\n']);
  });

  test.each(['end', 'destroy'] as const)('is no HTTP after the %s of the application', async (how) => {
    const { first, application, near } = begin();
    if (how === 'end') application.end();
    else near.destroy();
    expect((await first).kind).toBe('other');
  });
});
