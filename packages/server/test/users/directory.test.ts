import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { soleUser, UserDirectory, type UserEntry } from '../../src/users/directory.js';
import type { User } from '../../src/users/user.js';

const NOTHING = createHash('sha256').digest('hex');
const token = 'correct-horse-battery-staple-0123456789';
const { authenticate } = new UserDirectory([soleUser(token)]);

describe('a directory', () => {
  test.each([`Bearer ${token}`, `bearer ${token}`, `BEARER   ${token}`])('knows the user of %j', (authorization) => {
    expect(authenticate(authorization)).toEqual({ id: 'default' });
  });

  test.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['no token', 'Bearer'],
    ['an empty token', 'Bearer '],
    ['the token alone', token],
    ['another scheme', `Basic ${token}`],
    ['a token without its last character', `Bearer ${token.slice(0, -1)}`],
    ['a token with one more character', `Bearer ${token}x`],
    ['a token in another case', `Bearer ${token.toUpperCase()}`],
    ['a token twice', `Bearer ${token} ${token}`],
    ['two tokens', `Bearer ${token}, Bearer ${token}`],
    ['a quoted token', `Bearer "${token}"`],
    ['text before the scheme', `x Bearer ${token}`],
    ['an empty digest', 'Bearer \0'],
    ['a very long token', `Bearer ${'x'.repeat(16_000)}`],
  ])('knows nobody by %s', (_, authorization) => {
    expect(authenticate(authorization)).toBeUndefined();
  });

  test('knows nobody by any other token, and never throws', () => {
    const header = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }).map((text) => `Bearer ${text}`),
    );
    fc.assert(fc.property(header, (authorization) => authenticate(authorization) === undefined));
  });

  test('knows each user by the own token, and not one that is disabled', () => {
    const [one, two, three] = ['1'.repeat(32), '2'.repeat(32), '3'.repeat(32)] as const;
    const directory = new UserDirectory([
      entry('alice', one),
      entry('bob', two),
      { ...entry('eve', three), disabled: true },
    ]);
    const ids = [one, two, three].map((text) => directory.authenticate(`Bearer ${text}`)?.id);
    expect(ids).toEqual(['alice', 'bob', undefined]);
  });

  test('never gives away a digest with a user', () => {
    expect(JSON.stringify(authenticate(`Bearer ${token}`))).toBe('{"id":"default"}');
  });
});

describe('a user who was judged elsewhere', () => {
  const [one, two, three] = ['1'.repeat(32), '2'.repeat(32), '3'.repeat(32)] as const;
  const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');
  const tokens = [
    { sha256: sha256(one), label: 'laptop' },
    { sha256: sha256(two), expires: new Date(1_000) },
  ];
  const entries = [
    { id: 'alice', tokens },
    { id: 'bob', tokenSha256: sha256(three) },
  ];
  let now: number;
  let directory: UserDirectory;
  beforeEach(() => {
    now = 0;
    directory = new UserDirectory(entries, () => now);
  });

  /** What another directory of these users says of the one who shows `token` there. */
  const nameBy = (token: string) => {
    const elsewhere = new UserDirectory(entries, () => 0);
    return elsewhere.nameOf(elsewhere.authenticate(`Bearer ${token}`) as User);
  };

  test.each([
    ['alice', one, 'laptop'],
    ['alice', two, '#2'],
    ['bob', three, undefined],
  ])('is known by the token that was shown there: %s', (id, token, tokenLabel) => {
    expect(directory.named(nameBy(token))).toEqual(expect.objectContaining({ id, ...(tokenLabel && { tokenLabel }) }));
  });

  test.each([
    ['the token of another', { ...nameBy(three), id: 'alice' }],
    ['no token', { id: 'alice', token: '' }],
    ['another id', { ...nameBy(one), id: 'carol' }],
  ])('is nobody with %s', (_, name) => {
    expect(directory.named(name)).toBeUndefined();
  });

  test('is nobody once the token has expired', () => {
    now = 1_000;
    expect(directory.named(nameBy(two))).toBeUndefined();
    expect(directory.named(nameBy(one))).toBeDefined();
  });

  test('is who that is now', () => {
    expect(directory.named(nameBy(three))).toBeDefined();
    directory.replace([{ id: 'bob', tokenSha256: sha256(three), disabled: true }]);
    expect(directory.named(nameBy(three))).toBeUndefined();
  });

  test('is nobody by a token that is gone, no matter what others have taken its place', () => {
    directory.replace([
      { id: 'alice', tokens: [{ sha256: sha256('4'.repeat(32)), label: 'laptop' }, ...tokens.slice(1)] },
      { id: 'bob', tokenSha256: sha256(one) },
    ]);
    expect([directory.named(nameBy(one)), directory.named(nameBy(three))]).toEqual([undefined, undefined]);
  });

  test('stays present, as one who has shown the token', () => {
    const user = directory.named(nameBy(one)) as User;
    expect(directory.present(user)).toBe(user);
    directory.replace([{ id: 'alice', tokens: tokens.slice(1) }]);
    expect(directory.present(user)).toBeUndefined();
  });
});

describe('a user with several tokens', () => {
  const [one, two, three] = ['1'.repeat(32), '2'.repeat(32), '3'.repeat(32)] as const;
  const sha256 = (text: string): string => entry('x', text).tokenSha256 ?? '';
  const NOON = Date.parse('2027-01-31T12:00:00Z');
  let now: number;
  let directory: UserDirectory;

  beforeEach(() => {
    now = NOON - 1;
    const tokens = [{ sha256: sha256(one), label: 'laptop', expires: new Date(NOON) }, { sha256: sha256(two) }];
    directory = new UserDirectory([{ id: 'alice', tokens }, entry('bob', three)], () => now);
  });

  test('is known by each, which has a name for the log: its label, or its place', () => {
    const known = [one, two, three].map((text) => directory.authenticate(`Bearer ${text}`));
    expect(known.map((user) => [user?.id, user?.tokenLabel])).toEqual([
      ['alice', 'laptop'],
      ['alice', '#2'],
      ['bob', undefined],
    ]);
    expect([...directory.ids]).toEqual(['alice', 'bob']);
  });

  test('is not known by one that has expired, from that moment on', () => {
    expect(directory.authenticate(`Bearer ${one}`)?.id).toBe('alice');
    now = NOON;
    expect(directory.authenticate(`Bearer ${one}`)).toBeUndefined();
    expect(directory.whyNot(`Bearer ${one}`)).toEqual({ reason: 'expired token', user: 'alice', tokenLabel: 'laptop' });
    expect(directory.authenticate(`Bearer ${two}`)?.id).toBe('alice');
  });

  test('is known no more by the one that is removed, and still by the others', () => {
    const [byOne, byTwo] = [one, two].map((text) => directory.authenticate(`Bearer ${text}`) as User);
    directory.replace([{ id: 'alice', tokens: [{ sha256: sha256(two), label: 'new' }] }]);
    expect(byOne && directory.present(byOne)).toBeUndefined();
    expect(byTwo && directory.present(byTwo)).toMatchObject({ id: 'alice', tokenLabel: 'new' });
    directory.replace([{ id: 'alice', tokenSha256: sha256(two) }]);
    expect(byTwo && directory.present(byTwo)).toEqual({ id: 'alice' });
  });

  test.each<[string, Partial<UserEntry>, RegExp]>([
    ['token and tokens', { tokenSha256: '1'.repeat(64), tokens: [{ sha256: '2'.repeat(64) }] }, /one of tokenSha256/],
    ['no token', { tokens: [] }, /at least one token/],
    [
      'a rule for listening that is none',
      { ...entry('carol', '4'.repeat(32)), listen: ['127.0.0.1:8000', '*:1-80'] },
      /"carol": listen: not a rule for listening: "\*:1-80"; ports below 1024/,
    ],
    ['a digest that is none', { tokens: [{ sha256: 'x' }] }, /sha256 of a token must be 64/],
    ['the digest of an empty token', { tokens: [{ sha256: NOTHING }] }, /sha256 of a token is that of an empty token/],
    ['it in capitals', { tokenSha256: NOTHING.toUpperCase() }, /tokenSha256 is that of an empty token/],
    ['one token twice', { tokens: [{ sha256: '1'.repeat(64) }, { sha256: '1'.repeat(64) }] }, /one token twice/],
    [
      'two tokens of one label',
      {
        tokens: [
          { sha256: '1'.repeat(64), label: 'a' },
          { sha256: '2'.repeat(64), label: 'a' },
        ],
      },
      /two tokens of one label/,
    ],
    ['a label that no log can show', { tokens: [{ sha256: '1'.repeat(64), label: 'a\n' }] }, /label of a token/],
    ['a time that is none', { tokens: [{ sha256: '1'.repeat(64), expires: new Date('') }] }, /expected a Date/],
  ])('is refused with %s', (_what, wrong, message) => {
    expect(() => new UserDirectory([{ id: 'alice', ...wrong }])).toThrow(message);
  });
});

describe('soleUser', () => {
  test('is let in by each of several tokens', () => {
    const two = new UserDirectory([soleUser('1'.repeat(32), '2'.repeat(32))]);
    expect(['1', '2', '3'].map((digit) => two.authenticate(`Bearer ${digit.repeat(32)}`)?.id)).toEqual([
      ...['default', 'default', undefined],
    ]);
  });

  test.each([0, 31])('refuses a token of %i characters', (length) => {
    expect(() => soleUser('x'.repeat(length))).toThrow(/32 or more/);
  });

  test('takes a token of 32 characters', () => {
    const { authenticate: shortest } = new UserDirectory([soleUser('x'.repeat(32))]);
    expect(shortest(`Bearer ${'x'.repeat(32)}`)).toEqual({ id: 'default' });
    expect(shortest(undefined)).toBeUndefined();
  });
});

describe('replace', () => {
  const [one, two] = ['1'.repeat(32), '2'.repeat(32)] as const;
  const before = [entry('alice', one), entry('bob', two)];
  let directory: UserDirectory;
  let alice: User;

  beforeEach(() => {
    directory = new UserDirectory(before);
    alice = directory.authenticate(`Bearer ${one}`) as User;
  });

  test('gives a user who was there the rules of now', () => {
    directory.replace([{ ...entry('alice', one), limits: { sessions: 1 } }]);
    expect(directory.present(alice)).toEqual({ id: 'alice', limits: { sessions: 1 } });
    directory.replace([{ ...entry('alice', one), limits: { sessions: 2 } }]);
    expect(directory.present(alice)?.limits?.sessions).toBe(2);
  });

  test.each<[string, UserEntry[]]>([
    ['removed', []],
    ['disabled', [{ ...entry('alice', one), disabled: true }]],
    ['given another token', [entry('alice', '3'.repeat(32))]],
    ['renamed', [entry('carol', one)]],
    ['given the token of another, who is gone', [entry('alice', two)]],
  ])('knows no more of a user who was %s', (_what, after) => {
    directory.replace(after);
    expect(directory.present(alice)).toBeUndefined();
  });

  test('knows a user again whose rules are as they were', () => {
    directory.replace([{ ...entry('alice', one), disabled: true }]);
    expect(directory.authenticate(`Bearer ${one}`)).toBeUndefined();
    directory.replace(before);
    expect(directory.authenticate(`Bearer ${one}`)?.id).toBe('alice');
  });

  test.each<[string, UserEntry, RegExp]>([
    ['an id that is there', entry('alice', '4'.repeat(32)), /"alice" is there twice/],
    ['a token that is there', entry('carol', one), /"carol" has the token of another/],
    ['an id that no log can show', entry('a b', '4'.repeat(32)), /"a b": an id has/],
    ['an id that is a path', entry('../x', '4'.repeat(32)), /an id has/],
    ['no id', entry('', '4'.repeat(32)), /an id has/],
    [
      'a rule that is none',
      { ...entry('carol', '4'.repeat(32)), policy: { deny: ['300.0.0.0/8'] } },
      /"carol": deny: /,
    ],
    ['a digest that is none', { id: 'carol', tokenSha256: '4'.repeat(63) }, /"carol": tokenSha256/],
  ])('refuses %s, and changes nothing', (_what, wrong, message) => {
    expect(() => directory.replace([entry('alice', two), wrong, entry('alice', two)])).toThrow(TypeError);
    expect(() => directory.replace([...before, wrong])).toThrow(message);
    expect(directory.present(alice)).toBe(alice);
  });
});

function entry(id: string, token: string): UserEntry {
  return { ...soleUser(token), id };
}

describe('why nobody was let in', () => {
  const disabled = 'x'.repeat(32);
  const bob: UserEntry = { ...soleUser(disabled), id: 'bob', disabled: true };
  const directory = new UserDirectory([soleUser(token), bob]);

  test.each([
    [undefined, { reason: 'no token' }],
    ['', { reason: 'no token' }],
    [`Bearer ${'y'.repeat(32)}`, { reason: 'wrong token' }],
    ['Basic dXNlcjpwYXNz', { reason: 'wrong token' }],
    [`Bearer ${disabled}`, { reason: 'disabled user', user: 'bob' }],
  ])('is told for %s', (authorization, why) => {
    expect([directory.authenticate(authorization), directory.whyNot(authorization)]).toEqual([undefined, why]);
  });
});

describe('tokens that lose their users', () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const alice = { id: 'alice', tokens: [{ sha256: sha256('one') }, { sha256: sha256('two') }] };
  const bob = { id: 'bob', tokenSha256: sha256('three') };
  const tagOf = (text: string) => sha256(sha256(text)).slice(0, 32);
  const lets = (directory: UserDirectory, text: string) => directory.authenticate(`Bearer ${text}`)?.id;

  test('are those that are gone, or whose user is gone or disabled, and no others', () => {
    const directory = new UserDirectory([alice, bob]);
    expect(directory.replace([{ ...alice, tokens: [{ sha256: sha256('two') }] }, bob])).toEqual([
      { user: 'alice', token: tagOf('one') },
    ]);
    expect(directory.replace([{ ...bob, disabled: true }])).toEqual([
      { user: 'alice', token: tagOf('two') },
      { user: 'bob', token: tagOf('three') },
    ]);
    expect(directory.replace([bob])).toEqual([]);
  });

  test('elsewhere let nobody in here any more, until this directory says who there is', () => {
    const directory = new UserDirectory([alice, bob]);
    const user = directory.authenticate('Bearer one') as User;
    directory.revoke({ user: 'alice', token: tagOf('one') });
    directory.revoke({ user: 'alice', token: tagOf('unknown') });
    expect([lets(directory, 'one'), lets(directory, 'two'), lets(directory, 'three')]).toEqual([
      undefined,
      'alice',
      'bob',
    ]);
    expect(directory.present(user)).toBeUndefined();
    expect(directory.whyNot('Bearer one')).toEqual({ reason: 'revoked by another server', user: 'alice' });
    directory.replace([alice, bob]);
    expect(lets(directory, 'one')).toBe('alice');
  });

  test('elsewhere let in those who have them here by now', () => {
    const directory = new UserDirectory([alice, bob]);
    const lost = { user: 'carol', token: tagOf('three') };
    directory.revoke(lost);
    expect(lets(directory, 'three')).toBe('bob');
    expect([directory.knows(lost), directory.knows({ ...lost, user: 'bob' })]).toEqual([false, true]);
  });
});
