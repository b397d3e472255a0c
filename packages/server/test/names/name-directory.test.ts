import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NameDirectory, type NameKind } from '../../src/names/name-directory.js';

const owner = (userId: string) => ({ userId });

describe('a directory of names', () => {
  test('gives a name to the one who holds it, until they give it back', () => {
    const directory = new NameDirectory();
    const alice = owner('alice');
    const giveBack = directory.hold('http', 'a.example.org', alice);
    expect(directory.find('http', 'a.example.org')).toBe(alice);
    expect(directory.find('tls', 'a.example.org')).toBeUndefined();
    giveBack?.();
    giveBack?.();
    expect(directory.find('http', 'a.example.org')).toBeUndefined();
  });

  test('prefers the exact name to a wildcard, and the longer wildcard to the shorter one', () => {
    const directory = new NameDirectory();
    const [exact, near, far] = [owner('alice'), owner('alice'), owner('alice')];
    directory.hold('http', '*.example.org', far);
    directory.hold('http', '*.b.example.org', near);
    directory.hold('http', 'a.b.example.org', exact);
    expect(directory.find('http', 'a.b.example.org')).toBe(exact);
    expect(directory.find('http', 'c.b.example.org')).toBe(near);
    expect(directory.find('http', 'x.y.example.org')).toBe(far);
    expect(directory.find('http', 'example.org')).toBeUndefined();
  });

  test('gives what is held already to nobody else', () => {
    const directory = new NameDirectory();
    directory.hold('http', 'a.example.org', owner('alice'));
    expect(directory.hold('http', 'a.example.org', owner('alice'))).toBeUndefined();
    expect(directory.hold('http', 'a.example.org', owner('bob'))).toBeUndefined();
    expect(directory.hold('tls', 'a.example.org', owner('bob'))).toBeUndefined();
    expect(directory.hold('tls', 'a.example.org', owner('alice'))).toBeDefined();
  });

  test('covers by no wildcard what another user holds, no matter what it is for', () => {
    const directory = new NameDirectory();
    const alice = owner('alice');
    directory.hold('http', '*.example.org', alice);
    const giveBack = directory.hold('tls', 'db.example.org', owner('bob'));
    expect(directory.find('http', 'db.example.org')).toBeUndefined();
    giveBack?.();
    expect(directory.find('http', 'db.example.org')).toBe(alice);
  });

  test('finds what a search through all of them finds', () => {
    const label = fc.constantFrom('a', 'b', 'c');
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    const pattern = fc.oneof(
      name,
      name.map((text) => `*.${text}`),
      fc.constant('*'),
    );
    const kind = fc.constantFrom<NameKind>('http', 'tls');
    const holding = fc.record({ kind, pattern, userId: fc.constantFrom('alice', 'bob') });
    fc.assert(
      fc.property(fc.array(holding, { maxLength: 12 }), kind, name, (holdings, asked, host) => {
        const directory = new NameDirectory<(typeof holdings)[number]>();
        const held = holdings.filter((each) => directory.hold(each.kind, each.pattern, each) !== undefined);
        const covering = held
          .filter(
            (each) => each.pattern === host || (each.pattern.startsWith('*') && host.endsWith(each.pattern.slice(1))),
          )
          .sort(
            (one, other) =>
              Number(one.pattern.startsWith('*')) - Number(other.pattern.startsWith('*')) ||
              other.pattern.length - one.pattern.length,
          );
        const theirs = covering.slice(0, covering.findIndex(({ userId }) => userId !== covering[0]?.userId) >>> 0);
        expect(directory.find(asked, host)).toBe(theirs.find((each) => each.kind === asked));
      }),
    );
  });
});
