import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatHanded, type Handed, parseHanded } from '../../src/cluster/handed.js';

const FROM = { remoteAddress: '192.0.2.7', version: '0.1.0', probe: true } as const;
/** Known by no token. */
const NOBODY = { id: 'a', token: '' };
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('what one process tells another of a request', () => {
  test.each<[what: string, handed: Handed]>([
    ['a user of a directory', { user: { id: 'alice', token: '0123456789abcdef' }, from: FROM }],
    ['one by a Unix socket', { user: { id: 'alice', token: 'x' }, from: {} }],
    [
      'a whole user with its rules',
      {
        user: { id: 'ö', token: '' },
        whole: { id: 'ö', policy: { allow: ['*.example.org:443'] }, limits: { sessions: 3 } },
        from: {},
      },
    ],
    ['one whose token expires', { user: NOBODY, whole: { id: 'a', tokenExpires: new Date(1e12) }, from: {} }],
  ])('is read as it was written: %s', (_, handed) => {
    expect(parseHanded(formatHanded(handed))).toEqual(handed);
  });

  test('is one line of what a header carries unchanged', () => {
    const user = { id: 'a\r\nX: y', token: '"\u2028' };
    expect(formatHanded({ user, from: {} })).toMatch(/^1; user="[\w-]+"; from="[\w-]+"$/);
  });

  test('is no more of a user of a directory than names it', () => {
    const user = { id: 'alice', token: 'x', policy: { allow: ['10.0.0.1:1'] } };
    expect(formatHanded({ user, from: {} })).toBe(formatHanded({ user: { id: 'alice', token: 'x' }, from: {} }));
  });

  test.each([
    ['too large', { id: 'a', notes: 'x'.repeat(32_768) }, 'takes more than 32768 characters'],
    ['in circles', Object.assign({ id: 'a' }, { me: globalThis }), 'circular'],
    ['of numbers that JSON does not know', Object.assign({ id: 'a' }, { n: 1n }), 'BigInt'],
  ])('is refused by who writes it, when the user is %s', (_, whole, problem) => {
    expect(() => formatHanded({ user: NOBODY, whole, from: {} })).toThrow(problem);
  });

  test.each([
    ['nothing', ''],
    ['another kind', `2; user="${base64({ id: 'a' })}"; from="${base64({})}"`],
    ['no user', `1; from="${base64({})}"`],
    ['no origin', `1; user="${base64({ id: 'a' })}"`],
    ['a user without an id', `1; user="${base64({})}"; from="${base64({})}"`],
    ['an id that is no text', `1; user="${base64({ id: 7 })}"; from="${base64({})}"`],
    ['what is no JSON', `1; user="${Buffer.from('{').toString('base64url')}"; from="${base64({})}"`],
    ['nothing but null', `1; user="${base64(null)}"; from="${base64(null)}"`],
    [
      'a whole user of another id',
      `1; user="${base64({ id: 'a' })}"; whole="${base64({ id: 'b' })}"; from="${base64({})}"`,
    ],
    ['a whole user that is none', `1; user="${base64({ id: 'a' })}"; whole="${base64(7)}"; from="${base64({})}"`],
    ['too much', `1; user="${base64({ id: 'a' })}"; from="${base64({ x: 'x'.repeat(32_768) })}"`],
  ])('is nothing, when there is %s', (_, value) => {
    expect(parseHanded(value)).toBeUndefined();
  });

  test('has no more of where it is from than was known there', () => {
    const odd = { remoteAddress: 'evil\n', version: '<b>', probe: 'yes', more: 1 };
    const read = parseHanded(`1; user="${base64({ id: 'a' })}"; from="${base64(odd)}"`);
    expect(read).toEqual({ user: NOBODY, from: { remoteAddress: undefined, version: undefined } });
  });

  test('never throws when it is read', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        parseHanded(a);
        parseHanded(
          `1; user="${Buffer.from(a).toString('base64url')}"; whole="${Buffer.from(b).toString('base64url')}"; from="e30"`,
        );
      }),
    );
  });
});
