import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeText, formatJson } from '../src/escape-text.js';

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{DI}]/u;

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
    ['\u034f\u115f\u3164\ufe0f', '\\u034f\\u115f\\u3164\\ufe0f'],
  ])('escapes %j', (text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
  });

  it('keeps the limit, escapes included, and marks the cut', () => {
    expect(escapeText('x'.repeat(256))).toBe('x'.repeat(256));
    expect(escapeText('x'.repeat(257))).toBe(`${'x'.repeat(255)}…`);
    expect(escapeText('\n'.repeat(100))).toHaveLength(256);
    expect(escapeText('abcd', 3)).toBe('ab…');
    expect(escapeText('a👍bc', 3)).toBe('a…');
  });

  it('never lets a control or format character through, nor more than the limit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const escaped = escapeText(text, 64);
        expect(escaped).not.toMatch(UNSAFE);
        expect(escaped.length).toBeLessThanOrEqual(64);
      }),
    );
  });
});

describe('formatJson', () => {
  it('escapes what moves, hides or reorders, and nothing else', () => {
    expect(formatJson({ 'a\u009b31m': ['\u202eb', 'é "\\" 👍\u2028\ud800\u007f'] })).toBe(
      '{\n  "a\\u009b31m": [\n    "\\u202eb",\n    "é \\"\\\\\\" 👍\\u2028\\ud800\\u007f"\n  ]\n}',
    );
  });

  it('reads as what was written, no matter what that is', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), fc.string({ unit: 'binary' }), (texts, name) => {
        const json = formatJson({ texts, named: { [`x${name}`]: name } });
        expect(JSON.parse(json)).toEqual({ texts, named: { [`x${name}`]: name } });
        expect(json.replaceAll('\n', '')).not.toMatch(UNSAFE);
      }),
    );
  });
});
