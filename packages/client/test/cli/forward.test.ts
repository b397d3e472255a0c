import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseForward } from '../../src/cli/forward.js';

describe('parseForward', () => {
  it.each([
    ['8080:example.org:80', [{ at: { host: '127.0.0.1', port: 8080 }, target: 'example.org:80' }]],
    ['0:example.org:80', [{ at: { host: '127.0.0.1', port: 0 }, target: 'example.org:80' }]],
    ['*:8080:[2001:db8::1]:80', [{ at: { host: '*', port: 8080 }, target: '[2001:db8::1]:80' }]],
    ['[::1]:5353:192.0.2.1:53/udp', [{ at: { host: '::1', port: 5353 }, target: '192.0.2.1:53/udp' }]],
    ['unix:/tmp/8-9:a.sock:host:80', [{ at: { path: '/tmp/8-9:a.sock' }, target: 'host:80' }]],
    ['/tmp/a.sock:host:80', [{ at: { path: '/tmp/a.sock' }, target: 'host:80' }]],
    [
      '[::1]:8000-8002:host:9000-9002/udp',
      [0, 1, 2].map((n) => ({ at: { host: '::1', port: 8000 + n }, target: `host:${9000 + n}/udp` })),
    ],
  ])('reads %s', (text, forwards) => {
    expect(parseForward(text)).toMatchObject(forwards);
    expect(parseForward(text)).toHaveLength(forwards.length);
  });

  it.each([
    ['8080:host', 'Expected [bind:]port:host:hostport'],
    ['example.org:5432:5432', 'Expected [bind:]port:host:hostport'],
    ['99999:host:80', 'Expected a port from 0 to 65535.'],
    ['::1:8080:host:80', 'Expected [host:]port with IPv6 in brackets'],
    ['8000-8010:host:80', 'Expected as many ports on both sides, got 11 (8000-8010) and 1 (80).'],
    ['80:host:8000-8010', 'Expected as many ports on both sides, got 1 (80) and 11 (8000-8010).'],
    ['8010-8000:host:8010-8000', 'Expected a range of ports such as 8000-8010, from 1 to 65535, got 8010-8000.'],
    ['0-3:host:1-4', 'Expected a range of ports such as 8000-8010, from 1 to 65535, got 0-3.'],
    ['8000-8010-9:host:80', 'Expected a range of ports such as 8000-8010, from 1 to 65535, got 8000-8010-9.'],
    ['1-1001:host:1-1001', 'Expected at most 1000 ports in a range.'],
    ['unix:/tmp/a:host:80/udp', 'A Unix socket carries no datagrams.'],
    ['unix:/tmp/a:host:80-81', 'A Unix socket leads to one port, not to a range.'],
  ])('refuses %s and says what is expected', (text, message) => {
    expect(() => parseForward(text)).toThrow(InvalidArgumentError);
    expect(() => parseForward(text)).toThrow(message);
  });

  it('gives each port of a range the one at the same place of the other', () => {
    const range = fc.tuple(fc.integer({ min: 1, max: 64_000 }), fc.integer({ min: 1, max: 64_000 }), fc.nat(999));
    fc.assert(
      fc.property(range, ([near, far, more]) => {
        const forwards = parseForward(`${near}-${near + more}:example.org:${far}-${far + more}`);
        expect(forwards).toHaveLength(more + 1);
        for (const [n, { at, target }] of forwards.entries()) {
          expect([at, target]).toEqual([{ host: '127.0.0.1', port: near + n }, `example.org:${far + n}`]);
        }
      }),
    );
  });

  it('reads or refuses anything that it is given', () => {
    const alike = fc.stringMatching(/^[0-9a-z:[\]/*-]*$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), alike), (text) => {
        try {
          const forwards = parseForward(text);
          expect(forwards.length).toBeGreaterThan(0);
          for (const one of forwards) expect(parseForward(one.text)).toEqual([one]);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidArgumentError);
          expect((error as Error).message).toMatch(/^[^\n\r]+$/);
        }
      }),
    );
  });
});
