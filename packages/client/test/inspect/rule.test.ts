import { describe, expect, test } from 'vitest';
import { isWide, parseInspectRule } from '../../src/inspect/rule.js';

describe('a rule of what to look into', () => {
  test.each(['*', ':443', '*:443', '443', '1-1023'])('cannot be %s, which names every host', (rule) => {
    expect(() => parseInspectRule(rule)).toThrow(/names every host; expected a host/);
  });

  test.each(['a.org', '*.a.org:443', '10.0.0.0/8', '[::1]:80'])('can be %s', (rule) => {
    expect(parseInspectRule(rule).text).toBe(rule);
  });

  test.each(['*.com', '*.com:443', '0.0.0.0/0', '64.0.0.0/2', '::/0', '2000::/3'])('is wide as %s', (rule) => {
    expect(isWide(parseInspectRule(rule))).toBe(true);
  });

  test.each(['*.a.com', 'com', 'localhost', '*.localhost', '*.internal', '10.0.0.0/8', 'fc00::/7', '192.0.2.1'])(
    'is not wide as %s',
    (rule) => {
      expect(isWide(parseInspectRule(rule))).toBe(false);
    },
  );

  test('is a rule of destinations', () => {
    expect(() => parseInspectRule('a b')).toThrow(/^not a destination rule: "a b"/);
  });
});
