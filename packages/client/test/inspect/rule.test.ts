import { describe, expect, test } from 'vitest';
import { parseInspectRule } from '../../src/inspect/rule.js';

describe('a rule of what to look into', () => {
  test.each(['*', ':443', '*:443', '443', '1-1023'])('cannot be %s, which names every host', (rule) => {
    expect(() => parseInspectRule(rule)).toThrow(/names every host; expected a host/);
  });

  test.each(['a.org', '*.a.org:443', '10.0.0.0/8', '[::1]:80'])('can be %s', (rule) => {
    expect(parseInspectRule(rule).text).toBe(rule);
  });

  test('is a rule of destinations', () => {
    expect(() => parseInspectRule('a b')).toThrow(/^not a destination rule: "a b"/);
  });
});
