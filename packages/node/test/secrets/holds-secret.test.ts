import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { holdsSecret } from '../../src/secrets/holds-secret.js';

const PASSWORD = 'pässwort <"geheim">';
const bytes = Buffer.from(PASSWORD);
const BASIC = Buffer.from(`üser:${PASSWORD}`);
const escapedBy = (inFull: (code: number) => string): string =>
  Array.from(PASSWORD, (letter) => inFull(letter.codePointAt(0) ?? 0)).join('');

describe("a secret in a peer's words is seen", () => {
  test.each([
    ['as it is', `user x with ${PASSWORD}`],
    ['in capitals', PASSWORD.toUpperCase()],
    ['with accents of their own', PASSWORD.normalize('NFD')],
    ['with something invisible in it', PASSWORD.replace('w', '\u200bw\u00ad ')],
    ['in UTF-8, taken for Latin-1', bytes.toString('latin1')],
    ['taken for that twice', Buffer.from(bytes.toString('latin1')).toString('latin1')],
    ['percent-encoded', encodeURIComponent(PASSWORD)],
    ['percent-encoded twice', encodeURIComponent(encodeURIComponent(PASSWORD))],
    ['percent-encoded in Latin-1', escapedBy((code) => `%${code.toString(16)}`)],
    ['as a form has it', encodeURIComponent(PASSWORD).replaceAll('%20', '+')],
    ['as HTML', 'p&auml;sswort &lt;&quot;geheim&quot;&gt;'],
    ['as HTML, by numbers', escapedBy((code) => `&#${code};`)],
    ['as HTML, by numbers in hex', escapedBy((code) => `&#x${code.toString(16)};`)],
    ['as JSON', JSON.stringify(PASSWORD)],
    ['as JSON in ASCII', escapedBy((code) => `\\u${code.toString(16).padStart(4, '0')}`)],
    ['as C', escapedBy((code) => `\\x${code.toString(16)}`)],
    ['in base64', `bad header Basic ${BASIC.toString('base64')}`],
    ['in base64 of Latin-1', Buffer.from(`user:${PASSWORD}`, 'latin1').toString('base64')],
    ['in base64url', BASIC.toString('base64url')],
    ['in base64 that goes on behind other letters', `xy${BASIC.toString('base64')}`],
    ['in base64 of several lines', BASIC.toString('base64').replace(/(.{8})/g, '$1\r\n ')],
    ['in base64 that is cut off', BASIC.toString('base64').slice(0, 20)],
    ['in percent-encoded base64', encodeURIComponent(BASIC.toString('base64'))],
    ['in hex', bytes.toString('hex')],
    ['in hex with colons', bytes.toString('hex').replace(/(..)/g, '$1:')],
    ['in part', 'the password that begins with pässwo'],
  ])('%s', (_how, text) => {
    expect(holdsSecret(text, [bytes])).toBe(true);
    expect(holdsSecret(text, [PASSWORD])).toBe(true);
  });

  test('that is no UTF-8', () => {
    const secret = Buffer.from('p\xffw\xfe', 'latin1');
    for (const text of ['no p\xffw\xfe', '%70%ff%77%FE', `Basic ${secret.toString('base64')}`]) {
      expect(holdsSecret(text, [secret])).toBe(true);
    }
  });

  test('that is short', () => {
    expect(holdsSecret('abc', ['b'])).toBe(true);
  });

  test('everywhere that it stands, in base64 and in hex', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string({ minLength: 6, maxLength: 30, unit: 'grapheme-ascii' }),
        fc.string(),
        (a, secret, b) => {
          fc.pre(secret.trim() !== '');
          const wrapped = Buffer.from(a + secret + b);
          for (const text of [a + secret + b, wrapped.toString('base64'), wrapped.toString('hex')]) {
            expect(holdsSecret(text, [secret])).toBe(true);
          }
        },
      ),
    );
  });
});

describe('words without it pass', () => {
  test.each(['Blocked by policy 7', 'Verbindung unm\u00f6glich', '', 'x'.repeat(5_000), '%zz \\u &#999999; %'])(
    '%j',
    (text) => {
      expect(holdsSecret(text, [bytes, 'another-secret'])).toBe(false);
    },
  );

  test('and where there is no secret, all do', () => {
    expect(holdsSecret('anything', [])).toBe(false);
    expect(holdsSecret('anything', ['', Buffer.of(), ' '])).toBe(false);
  });

  test('no matter what they are', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void holdsSecret(text, ['0123456789-secret'])));
  });
});
