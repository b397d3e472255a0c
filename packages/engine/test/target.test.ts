import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTarget, parseAuthority, parseHost, parseName, parsePort } from '../src/target.js';

/** Text that has something of a host in it, so that the interesting branches are reached. */
const hostlike = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...'aZ09.-_:[]%x\0 é。１'.split('')) }),
  fc.domain(),
  fc.ipV4(),
  fc.ipV4Extended(),
  fc.ipV6(),
);

describe('parseHost', () => {
  test.each([
    ['example.com', 'example.com'],
    ['EXAMPLE.Com', 'example.com'],
    ['example.com.', 'example.com'],
    ['localhost', 'localhost'],
    ['_dmarc.example_1.com', '_dmarc.example_1.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['1.example', '1.example'],
    ['127.0.0.1.example.com', '127.0.0.1.example.com'],
    ['3com', '3com'],
    ['0xg', '0xg'],
    [`${'a'.repeat(63)}.com`, `${'a'.repeat(63)}.com`],
  ])('takes %j as a name', (text, host) => {
    expect(parseHost(text)).toBe(host);
  });

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['::FFFF:127.0.0.1', '::ffff:127.0.0.1'],
    ['[2001:DB8::1]', '2001:db8::1'],
  ])('takes %j as an IP literal', (text, host) => {
    expect(parseHost(text)).toBe(host);
  });

  test.each([
    ['a NUL behind an address', '127.0.0.1\0.example.com'],
    ['an address of two numbers', '127.1'],
    ['an address of one number', '2130706433'],
    ['a hexadecimal number', '0x7f.1'],
    ['a hexadecimal last label', 'example.0x7f'],
    ['a bare hexadecimal prefix', 'example.0x'],
    ['an octal number', '0177.0.0.1'],
    ['a number too large for a byte', '256.0.0.1'],
    ['five numbers', '1.2.3.4.5'],
    ['zero', '0'],
    ['full-width digits', '１２７.０.０.１'],
    ['ideographic dots', '127。0。0。1'],
    ['a letter in a circle', 'ⓛocalhost'],
    ['a soft hyphen', 'loc\u{ad}alhost'],
    ['a letter whose lower case is ASCII', '\u{212a}elvin.example'],
    ['raw UTF-8', 'bücher.example'],
    ['nothing', ''],
    ['a dot', '.'],
    ['an empty label', 'a..b'],
    ['a leading dot', '.example.com'],
    ['two trailing dots', 'example.com..'],
    ['a label of 64 bytes', `${'a'.repeat(64)}.com`],
    ['a name of 254 bytes', `${'a.'.repeat(126)}aa`],
    ['a space', 'exa mple.com'],
    ['a line break', 'example.com\r\n'],
    ['a percent sign', 'example%00.com'],
    ['a slash', 'example.com/x'],
    ['userinfo', 'user@example.com'],
    ['a port', 'example.com:80'],
    ['a zone', 'fe80::1%lo'],
    ['a zone in brackets', '[fe80::1%lo]'],
    ['IPv4 in brackets', '[127.0.0.1]'],
    ['a name in brackets', '[example.com]'],
    ['an open bracket', '[::1'],
    ['two pairs of brackets', '[[::1]]'],
  ])('refuses %s', (_, text) => {
    expect(parseHost(text)).toBeUndefined();
  });

  test('accepts a name of 253 bytes', () => {
    const name = `${'a.'.repeat(126)}a`;
    expect(name).toHaveLength(253);
    expect(parseHost(name)).toBe(name);
  });

  test('yields a host that it takes unchanged', () => {
    fc.assert(
      fc.property(hostlike, (text) => {
        const host = parseHost(text);
        if (host !== undefined) expect(parseHost(host)).toBe(host);
      }),
    );
  });

  test('yields nothing but lower-case ASCII without brackets and zone', () => {
    fc.assert(
      fc.property(hostlike, (text) => {
        expect(parseHost(text) ?? 'none').toMatch(/^[a-z0-9._:-]+$/);
      }),
    );
  });
});

test.each([
  ['DB.Example.org.', 'db.example.org'],
  ['192.0.2.1', undefined],
  ['::1', undefined],
  ['[::1]', undefined],
  ['', undefined],
])('parseName takes %j for the name %s', (text, name) => {
  expect(parseName(text)).toBe(name);
});

describe('parsePort', () => {
  test('accepts every port from 1 to 65535', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 65_535 }), (port) => parsePort(String(port)) === port));
    expect(parsePort('1')).toBe(1);
    expect(parsePort('65535')).toBe(65_535);
  });

  test.each([
    '',
    '0',
    '00',
    '080',
    '65536',
    '99999',
    '100000',
    '-1',
    '+80',
    '0x50',
    '80abc',
    ' 80',
    '80 ',
    '8e1',
    '1.5',
    '８０',
    '80\n',
  ])('refuses %j', (text) => {
    expect(parsePort(text)).toBeUndefined();
  });
});

describe('parseAuthority', () => {
  test.each([
    ['example.com:443', { host: 'example.com', port: 443 }],
    ['EXAMPLE.com.:1', { host: 'example.com', port: 1 }],
    ['192.0.2.1:80', { host: '192.0.2.1', port: 80 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['[2001:DB8::1]:65535', { host: '2001:db8::1', port: 65_535 }],
  ])('takes %j apart', (text, target) => {
    expect(parseAuthority(text)).toEqual(target);
  });

  test.each([
    '',
    ':',
    ':443',
    'example.com',
    'example.com:',
    'example.com:0',
    'example.com:65536',
    'example.com:-1',
    'example.com:+80',
    'example.com:0x50',
    'example.com:80abc',
    'example.com: 80',
    'example.com :80',
    '::1:80',
    '::1',
    '[::1]',
    '[::1]80',
    '[::1]:',
    '[]:80',
    '[127.0.0.1]:80',
    '[fe80::1%lo]:80',
    'user@example.com:80',
    'user:password@example.com:80',
    'http://example.com:80',
    'http://example.com:80/',
    '/example.com:80',
    'example.com:80/path',
    'example.com:80?query',
    'example.com:80#fragment',
    'example.com:80:80',
    '127.1:80',
    '127.0.0.1\0.example.com:80',
  ])('refuses %j', (text) => {
    expect(parseAuthority(text)).toBeUndefined();
  });

  test('reads back what formatTarget writes', () => {
    const host = hostlike.map(parseHost).filter((parsed) => parsed !== undefined);
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
        expect(parseAuthority(formatTarget({ host: name, port }))).toEqual({ host: name, port });
      }),
    );
  });

  test('never throws', () => {
    const authority = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(hostlike, fc.string()).map((parts) => parts.join(':')),
    );
    fc.assert(
      fc.property(authority, (text) => {
        const target = parseAuthority(text);
        if (target !== undefined) expect(parseHost(target.host)).toBe(target.host);
      }),
    );
  });
});
