import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanFields, cleanText } from '../../src/logging/clean-fields.js';

describe('cleanText', () => {
  it.each([
    ['Authorization: Bearer abc.def', 'Authorization: [redacted]'],
    ['basic dXNlcjpwYXNz', '[redacted]'],
    ['wss://user:secret@example.org/x', 'wss://[redacted]@example.org/x'],
    ['mail to user@example.org', 'mail to user@example.org'],
  ])('leaves credentials out of %j', (text, clean) => {
    expect(cleanText(text)).toBe(clean);
  });
});

describe('cleanFields', () => {
  it('keeps numbers, booleans and short texts', () => {
    const fields = { host: 'example.org', port: 443, early: true, code: null };
    expect(cleanFields(fields)).toEqual(fields);
  });

  it('escapes names and texts, however deep', () => {
    expect(cleanFields({ 'a\n': { b: ['\u202e'] } })).toEqual({ 'a\\u000a': { b: ['\\u202e'] } });
  });

  it.each(['authorization', 'Authorization', 'Proxy-Authorization', 'cookie', 'Set-Cookie', 'token', 'sessionSecret'])(
    'leaves out the value of %s',
    (name) => {
      expect(cleanFields({ [name]: 'abc', headers: { [name]: ['abc'] } })).toEqual({
        [name]: '[redacted]',
        headers: { [name]: '[redacted]' },
      });
    },
  );

  it('keeps the path of a token file', () => {
    expect(cleanFields({ tokenFile: '/etc/wsproxy/token' })).toEqual({ tokenFile: '/etc/wsproxy/token' });
  });

  it('tells a system error by its code, without a stack', () => {
    const err = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(cleanFields({ err })).toEqual({
      err: { type: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' },
    });
  });

  it('tells where any other error arose, and its cause', () => {
    const error = new TypeError('boom', { cause: new Error('first\n') });
    expect(cleanFields(error)).toMatchObject({
      err: {
        type: 'TypeError',
        message: 'boom',
        stack: expect.arrayContaining([expect.stringContaining('clean-fields.test.ts')]),
        cause: { message: 'first\\u000a' },
      },
    });
  });

  it('leaves out what exceeds a line, and says so', () => {
    const fields = cleanFields({ first: 1, many: Array.from({ length: 10_000 }, () => 'x'.repeat(300)), last: 1 });
    expect(fields).toMatchObject({ first: 1, truncated: true });
    expect(fields).not.toHaveProperty('last');
  });

  it('survives cycles, deep nesting and bytes', () => {
    const cycle: Record<string, unknown> = { bytes: Buffer.alloc(1000), big: 10n };
    cycle['self'] = cycle;
    expect(cleanFields(cycle)).toMatchObject({
      bytes: '[1000 bytes]',
      big: '10',
      self: { self: { self: { self: '[nested]' } } },
    });
  });

  it('always fits a line and never throws', () => {
    fc.assert(
      fc.property(
        fc.object({ withNullPrototype: true, withBigInt: true, withTypedArray: true, maxKeys: 20 }),
        (fields) => {
          expect(Buffer.byteLength(JSON.stringify(cleanFields(fields)))).toBeLessThan(1600);
        },
      ),
    );
  });
});
