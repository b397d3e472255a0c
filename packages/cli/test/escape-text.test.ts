import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeText } from '../src/escape-text.js';

describe('escapeText', () => {
  it('leaves readable text of any language alone', () => {
    const text = 'GET /ä?x=1 — "日本語" \\ 👍 שלום';
    expect(escapeText(text)).toBe(text);
  });

  it.each([
    ['a\r\nb', 'a\\u000d\\u000ab'],
    ['\u001b[31m', '\\u001b[31m'],
    ['\u0000\u007f\u0085\u009b', '\\u0000\\u007f\\u0085\\u009b'],
    ['\u202e\u2066\u200f', '\\u202e\\u2066\\u200f'],
    ['\u2028\u2029\ufeff\u200b', '\\u2028\\u2029\\ufeff\\u200b'],
    ['\ud800x', '\\ud800x'],
    ['\u{e0041}', '\\udb40\\udc41'],
  ])('escapes %j', (text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
  });

  it('keeps the limit, escapes included, and marks the cut', () => {
    expect(escapeText('x'.repeat(256))).toBe('x'.repeat(256));
    expect(escapeText('x'.repeat(257))).toBe(`${'x'.repeat(255)}…`);
    expect(escapeText('\n'.repeat(100))).toHaveLength(256);
    expect(escapeText('abcd', 3)).toBe('ab…');
  });

  it('never lets a control or format character through, nor more than the limit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const escaped = escapeText(text, 64);
        expect(escaped).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(escaped.length).toBeLessThanOrEqual(64);
      }),
    );
  });
});
