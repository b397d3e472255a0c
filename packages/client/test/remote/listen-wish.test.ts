import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { addressText, wishFor } from '../../src/remote/listen-wish.js';

const place = { kind: 'tcp', bind: '', port: 8_000 } as const;

test.each([
  ['tcp', '', 8_000, 'localhost:8000'],
  ['udp', '::', 53, '[::]:53/udp'],
  ['tcp', '*', 0, '*:0'],
  ['unix', '/run/x', 0, 'unix:/run/x'],
  ['http', '*.example.org', 0, 'http:*.example.org'],
  ['tls', 'db.example.org', 0, 'tls:db.example.org'],
] as const)('an address of %s, %s %d, is written for people as %s', (kind, host, port, text) => {
  expect(addressText(kind, { host, port })).toBe(text);
});

describe('the name of a listener', () => {
  test('is that of this machine and of the place, no matter where it leads', () => {
    expect(wishFor(place, 'a:1', {}).name).toBe(`${hostname()}/127.0.0.1:8000`);
    expect(wishFor(place, 'b:2', {}).name).toBe(wishFor(place, 'a:1', {}).name);
    expect(wishFor({ ...place, bind: '127.0.0.1' }, 'a:1', {}).name).toBe(wishFor(place, 'a:1', {}).name);
    expect(wishFor({ ...place, kind: 'udp' }, 'a:1', {}).name).not.toBe(wishFor(place, 'a:1', {}).name);
  });

  test('tells by its target which one it is, where any port will do', () => {
    const [first, second] = ['a:1', 'b:2'].map((target) => wishFor({ ...place, port: 0 }, target, {}).name);
    expect([first, second]).toEqual([`${hostname()}/127.0.0.1:0 a:1`, `${hostname()}/127.0.0.1:0 b:2`]);
  });

  test('is what the program says', () => {
    expect(wishFor(place, 'a:1', { label: 'web', backlog: 3 })).toEqual({
      ...{ kind: 'tcp', bind: '', port: 8_000, text: 'localhost:8000' },
      ...{ name: 'web', backlog: 3 },
    });
  });

  test('fits into a request, however long, and is the same for the same', () => {
    const long = { kind: 'http', bind: `${'a'.repeat(60)}.`.repeat(5), port: 0 } as const;
    const { name } = wishFor(long, 'a:1', {});
    expect(name).toMatch(/^[0-9a-f]{64}$/);
    expect(wishFor(long, 'b:1', {}).name).toBe(name);
  });
});
