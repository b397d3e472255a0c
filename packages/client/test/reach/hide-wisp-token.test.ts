import { expect, test } from 'vitest';
import { hideWispToken } from '../../src/reach/hide-wisp-token.js';

test.each([
  [`wss://a.example/wisp/${'a'.repeat(43)}/`, 'wss://a.example/wisp/[redacted]/'],
  [`wss://a.example/${'-_.~'.repeat(8)}/?x`, 'wss://a.example/[redacted]/?x'],
  [`a.example/wisp/${'a'.repeat(43)}/`, 'a.example/wisp/[redacted]/'],
])('a wisp token at the end of a path is not shown: %s', (url, shown) => {
  expect(hideWispToken(url)).toBe(shown);
});

test.each([
  'wss://a.example/wisp/',
  `wss://a.example/${'a'.repeat(31)}/`,
  `wss://a.example/${'a'.repeat(43)}`,
  `wss://a.example/${'a'.repeat(43)}/tunnel`,
  `wss://${'a'.repeat(43)}.example/`,
])('any other URL is shown as it is: %s', (url) => {
  expect(hideWispToken(url)).toBe(url);
});
