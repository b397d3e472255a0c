import { expect, test } from 'vitest';
import { parseAdvertised } from '../../src/accept/advertised.js';

test.each([
  ['203.0.113.7', { address: '203.0.113.7' }],
  ['2001:db8::7', { address: '2001:db8::7' }],
  ['203.0.113.7:5000-5100', { address: '203.0.113.7', ports: [5000, 5100] }],
  ['[2001:db8::7]:5000-5000', { address: '2001:db8::7', ports: [5000, 5000] }],
])('%s is read', (text, advertised) => {
  expect(parseAdvertised(text)).toEqual(advertised);
});

test.each([
  '',
  'proxy.example.org',
  '203.0.113.7:5000',
  '203.0.113.7:5100-5000',
  '203.0.113.7:0-10',
  '203.0.113.7:1-65536',
  '[203.0.113.7]:1-2',
  '2001:db8::7:5000-5100',
  'fe80::1%lo',
  '[fe80::1%lo]:1-2',
  ':1-2',
])('%j is refused in one line', (text) => {
  expect(() => parseAdvertised(text)).toThrow(/^not an address to tell: ".*"; expected [^\n]*$/);
});
