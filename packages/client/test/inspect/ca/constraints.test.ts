import { describe, expect, test } from 'vitest';
import { parseDestinationRule } from 'wsproxy-node/targets';
import { Constraints } from '../../../src/inspect/ca/constraints.js';

const of = (...rules: readonly string[]): Constraints => new Constraints(rules.map(parseDestinationRule));

describe('what an authority may sign for', () => {
  test('is said without ports, and without what is below another', () => {
    expect(of('*.b.org', 'a.org:443', 'x.b.org', 'B.org', '10.0.0.0/8', '::1').text).toBe(
      'a.org b.org 10.0.0.0/8 ::1/128',
    );
  });

  test.each([
    [['*.a.org'], ['x.a.org', 'a.org', '*.y.a.org:80'], true],
    [['x.a.org'], ['*.a.org'], false],
    [['a.org'], ['ba.org'], false],
    [['a.org'], ['10.0.0.1'], false],
    [['10.0.0.0/8'], ['10.1.2.3', '10.64.0.0/10'], true],
    [['10.0.0.0/8'], ['11.0.0.0/8'], false],
    [['10.0.0.0/8'], ['10.0.0.0/7'], false],
    [['fc00::/7'], ['fd00::1'], true],
    [['::/0'], ['10.0.0.1'], false],
    [['10.0.0.0/12'], ['10.16.0.1'], false],
    [['10.0.0.0/12'], ['10.15.0.1'], true],
  ])('by %j: whether it is enough for %j is %s', (mine, others, expected) => {
    expect(of(...mine).includes(of(...others))).toBe(expected);
  });

  test('is a critical extension: names and addresses, and none of the kind that no rule has', () => {
    const hex = (...rules: readonly string[]): string =>
      of(...rules)
        .extension()
        .toString('hex');
    const both = hex('a.org', '10.128.0.0/9');
    expect(both).toContain('0603551d1e0101ff');
    // [0] { { [2] "a.org" } { [7] 10.128.0.0 255.128.0.0 } }
    expect(both).toContain('a01530078205612e6f7267300a87080a800000ff800000');
    // [1] { { [7] eight zeros } { [7] 32 zeros } }
    expect(hex('a.org')).toContain(`a130300a8708${'00'.repeat(8)}30228720${'00'.repeat(32)}`);
    // [1] { { [2] "" } }
    expect(hex('::1')).toContain('a10430028200');
  });
});
