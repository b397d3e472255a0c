import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseUsers, readUsers, UsersFileError } from '../../src/cli/users-file.js';

const DIGESTS = ['1', '2', '3'].map((digit) => `sha256:${digit.repeat(64)}`);
const SECRET = 'a-token-for-tests-0123456789-abcdefghij';

function mistakesIn(text: string): UsersFileError['mistakes'] {
  try {
    parseUsers(text);
  } catch (error) {
    if (error instanceof UsersFileError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('a users file', () => {
  test('names users with their tokens, rules and limits', () => {
    const text = `
# everything there is
- id: alice
  token: ${DIGESTS[0]}
  allow: [10.1.0.0/16:5432, "*.example.org"]
  deny:
    - "*"
  allow-private: false
  allow-ports: [25, 1-1023]
  listen: ["127.0.0.1:8000-8099", "unix:/run/wsproxy/*"]
  limits:
    sessions: 2
    channels: 100
    listeners: 4
    bytes-per-second-up: 64k
    bytes-per-second-down: 10M
    monthly-bytes: 1T
    grace: 1h
- { id: bob, token: "${DIGESTS[1]?.toUpperCase().replace('SHA', 'sha')}", disabled: true }
`;
    expect(parseUsers(text)).toEqual([
      {
        id: 'alice',
        tokenSha256: '1'.repeat(64),
        policy: {
          allow: ['10.1.0.0/16:5432', '*.example.org'],
          deny: ['*'],
          allowPrivate: false,
          allowPorts: ['25', '1-1023'],
        },
        listen: ['127.0.0.1:8000-8099', 'unix:/run/wsproxy/*'],
        limits: {
          sessions: 2,
          channels: 100,
          listeners: 4,
          bytesPerSecondUp: 65_536,
          bytesPerSecondDown: 10_485_760,
          monthlyBytes: 2 ** 40,
          grace: 3_600_000,
        },
      },
      { id: 'bob', tokenSha256: '2'.repeat(64), disabled: true },
    ]);
  });

  test('gives a user several tokens, each with a label and a time when it expires, or without', () => {
    const text = `
- id: alice
  tokens:
    - { token: "${DIGESTS[0]}", label: laptop 2026, expires: 2027-01-31T18:00:00+01:00 }
    - { token: "${DIGESTS[1]}", label: 2027 }
    - token: ${DIGESTS[2]}
`;
    expect(parseUsers(text)).toEqual([
      {
        id: 'alice',
        tokens: [
          { sha256: '1'.repeat(64), label: 'laptop 2026', expires: new Date('2027-01-31T17:00:00Z') },
          { sha256: '2'.repeat(64), label: '2027' },
          { sha256: '3'.repeat(64) },
        ],
      },
    ]);
  });

  test('with mistakes among its tokens is told each with its line', () => {
    const text = `- id: alice
  token: ${DIGESTS[0]}
  tokens: [{ token: "${DIGESTS[1]}" }]
- id: bob
  tokens: []
- id: carol
  tokens:
    - label: laptop
    - token: ${SECRET}
    - { token: "${DIGESTS[2]}", label: laptop }
    - { token: "${DIGESTS[2]}", expires: 2027-01-31 }
    - { expire: 2027-01-31T18:00:00Z }
    - ${DIGESTS[1]}
    - token: sha256:${createHash('sha256').digest('hex')}
`;
    const mistakes = mistakesIn(text);
    const expected: [number, RegExp][] = [
      [1, /^a user has token or tokens, not both: put it into the list$/],
      [5, /^tokens: expected a list of tokens/],
      [8, /^a token needs token: expected "sha256:"/],
      [9, /^token: expected "sha256:"/],
      [10, /^label: the same as in line 8/],
      [11, /^token: the same as in line 10/],
      [11, /^expires: the time zone is missing; expected a date and a time with its zone/],
      [12, /^a token needs token/],
      [12, /^unknown key in a token; allowed are token, label, expires, for$/],
      [13, /^expected a token: token, label, expires, for$/],
      [14, /^token: the digest of an empty token, as of a variable that is not set/],
    ];
    const told = mistakes.map(({ line, message }) => `${line} ${message}`).toSorted((a, b) => a.localeCompare(b));
    for (const [line, pattern] of expected) {
      const found = mistakes.findIndex((each) => each.line === line && pattern.test(each.message));
      expect(found, `${line} ${pattern} in ${told.join('; ')}`).toBeGreaterThanOrEqual(0);
    }
    expect(mistakes).toHaveLength(expected.length);
    expect(JSON.stringify(mistakes)).not.toContain(SECRET);
  });

  test.each([
    ['2027-02-30T12:00:00Z', /^expires: expected a date and a time/],
    ['2027-01-31T24:00:00Z', /^expires: expected a date and a time/],
    ['2027-01-31T18:00:00+25:00', /^expires: expected a date and a time/],
    ['2027-01-31T18:00:00', /^expires: the time zone is missing/],
    ['2027-01-31', /^expires: the time zone is missing/],
    ['tomorrow', /^expires: expected a date and a time/],
    ['1801418400', /^expires: expected a date and a time/],
    ['[]', /^expires: expected a date and a time/],
  ])('takes no %s for a time', (time, message) => {
    const text = `- { id: alice, tokens: [{ token: "${DIGESTS[0]}", expires: ${time} }] }`;
    expect(mistakesIn(text)).toEqual([{ line: 1, message: expect.stringMatching(message) }]);
  });

  test('takes every time that RFC 3339 knows, leap seconds aside, for what it is', () => {
    const zones = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
    const times = fc.date({
      min: new Date('0001-01-02T00:00:00Z'),
      max: new Date('9998-12-31T00:00:00Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(times, zones, fc.constantFrom('T', 't', ' '), (time, zone, separator) => {
        const local = new Date(time.getTime() + zone * 60_000).toISOString().slice(0, -1).replace('T', separator);
        const of = (value: number) => String(value).padStart(2, '0');
        const [hours, minutes] = [Math.floor(Math.abs(zone) / 60), Math.abs(zone) % 60];
        const text = `${local}${zone < 0 ? '-' : '+'}${of(hours)}:${of(minutes)}`;
        const [user] = parseUsers(`- { id: alice, tokens: [{ token: "${DIGESTS[0]}", expires: "${text}" }] }`);
        expect(user?.tokens?.[0]?.expires).toEqual(time);
      }),
    );
  });

  test('takes one rule without a list, an id that looks like a number, and an empty list of rules', () => {
    const [user] = parseUsers(`- { id: 007, token: "${DIGESTS[0]}", deny: :25, allow: [] }`);
    expect(user).toMatchObject({ id: '007', policy: { deny: [':25'], allow: [] } });
  });

  test('says where remote listeners may be, or with an empty list that they may be nowhere', () => {
    const one = (listen: string) => `- { id: alice, token: "${DIGESTS[0]}", listen: ${listen} }`;
    expect(parseUsers(one('[]'))).toMatchObject([{ listen: [] }]);
    expect(parseUsers(one('127.0.0.1:8000'))).toMatchObject([{ listen: ['127.0.0.1:8000'] }]);
    expect(mistakesIn(one('["127.0.0.1:8000", "*:1-80"]'))).toMatchObject([
      { line: 1, message: expect.stringMatching(/^listen: not a rule for listening: "\*:1-80"; ports below 1024/) },
    ]);
    expect(mistakesIn(one('{ tcp: 8000 }'))).toMatchObject([
      { message: 'listen: expected a list of rules, such as ["127.0.0.1:8000-8099", "0.0.0.0:443"]' },
    ]);
  });

  test('with ten mistakes is told each with its line and what is allowed', () => {
    const text = `- id: alice smith
  token: ${SECRET}
- id: bob
  tokn: ${DIGESTS[0]}
- id: carol
  token: ${DIGESTS[1]}
  allow: [300.0.0.0/8]
  deny: { host: example.org }
  allow-ports: [http]
  disabled: yes please
  limits:
    session: 3
    channels: none
    monthly-bytes: 5 apples
    grace: 25h
- id: carol
  token: ${DIGESTS[1]}
- dave
`;
    const mistakes = mistakesIn(text);
    const expected: [number, RegExp][] = [
      [1, /^id: expected 1 to 64 letters, digits/],
      [2, /^token: expected "sha256:" and 64 hexadecimal digits/],
      [3, /^a user needs token: expected "sha256:"/],
      [4, /^unknown key in a user; allowed are id, token, tokens, allow, deny, .*, limits, disabled$/],
      [7, /^allow: not a destination rule: "300\.0\.0\.0\/8"; expected a host/],
      [8, /^deny: expected a list of rules/],
      [9, /^allow-ports: not a port: "http"; expected ports/],
      [10, /^disabled: expected true or false/],
      [12, /^unknown key in limits; allowed are sessions, channels, flows, listeners, bytes-per-second-up, /],
      [13, /^channels: expected a whole number from 1 on/],
      [14, /^monthly-bytes: expected bytes from 1 on, such as/],
      [15, /^grace: expected a time of up to 24h, such as/],
      [16, /^id: the same as in line 5/],
      [17, /^token: the same as in line 6/],
      [18, /^expected a user: id, token/],
    ];
    expect(mistakes.map(({ line }) => line)).toEqual(expected.map(([line]) => line));
    for (const [i, [, pattern]] of expected.entries()) expect(mistakes[i]?.message).toMatch(pattern);
    expect(JSON.stringify(mistakes)).not.toContain(SECRET);
  });

  test.each([
    ['nothing', '', 1],
    ['only comments', '# nobody\n', 1],
    ['an empty list', '\n[]', 2],
    ['a mapping', 'alice: 1', 1],
    ['a token alone', SECRET, 1],
    ['a tab', '- id: alice\n\ttoken: 1', 2],
    ['a key twice', `- id: alice\n  token: ${DIGESTS[0]}\n  id: bob`, 3],
    ['an anchor that is not there', '- *users', 1],
    ['a tag', `- id: alice\n  token: !${SECRET} x`, 2],
    ['an open quote', `- id: alice\n  token: "${SECRET}`, 2],
    ['two documents', '- id: a\n---\n- id: b', 2],
    ['lists without an end', '['.repeat(100_000), 1],
    ['a token that is a number', `- { id: a, token: 12 }`, 1],
    ['a user without anything', '- {}', 1],
    ['a limit of nothing', `- { id: a, token: "${DIGESTS[0]}", limits: { sessions: 0 } }`, 1],
    ['a key that every object has', `- { id: a, token: "${DIGESTS[0]}", constructor: 1 }`, 1],
  ])('with %s is refused, and never quotes what may be a token', (_what, text, line) => {
    const mistakes = mistakesIn(text);
    expect(mistakes.map((mistake) => mistake.line)).toContain(line);
    for (const { message } of mistakes) expect(message).not.toMatch(/a-token-for-tests|\n/);
  });

  test('never fails otherwise, no matter what it holds', () => {
    const word = fc.constantFrom(
      '- ',
      'id: ',
      'token: ',
      'limits:\n',
      '  ',
      '\n',
      '{',
      '}',
      '[',
      ']',
      '*a',
      '&a ',
      '!',
      DIGESTS[0] ?? '',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(word).map((words) => words.join('')),
    );
    fc.assert(
      fc.property(text, (content) => {
        const mistakes = mistakesIn(content);
        return mistakes.every(({ line }) => line >= 1 && line <= content.split(/\r\n|\r|\n/).length + 1);
      }),
      { numRuns: 500 },
    );
  });
});

describe('reading a users file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wsproxy-users-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function write(text: string, mode: number): string {
    const file = join(folder, 'users.yaml');
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  }

  test('gives the users in it', () => {
    expect(readUsers(write(`- { id: a, token: "${DIGESTS[0]}" }`, 0o600))).toHaveLength(1);
  });

  test.each([0o644, 0o640, 0o604, 0o620])('is refused with mode %o', (mode) => {
    const file = write(`- { id: a, token: "${DIGESTS[0]}" }`, mode);
    expect(() => readUsers(file)).toThrow(`other users can read or change users file ${file}; run: chmod 600`);
  });

  test('tells a file that is not there, by its flag', () => {
    expect(() => readUsers(join(folder, 'none'))).toThrow(/cannot read users file .*no such file.*--users/);
    expect(() => readUsers(folder)).toThrow(/can be read|it is a directory; give the file itself with --users/);
  });

  test('tells every mistake with file and line', () => {
    const file = write('- id: a b\n- id: c', 0o600);
    try {
      readUsers(file);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ exitCode: 2 });
      expect((error as { lines: string[] }).lines.map((line) => line.split(': ', 1).join())).toEqual([
        `${file}:1`,
        `${file}:1`,
        `${file}:2`,
      ]);
    }
  });
});
