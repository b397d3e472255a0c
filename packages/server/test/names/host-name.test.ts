import { describe, expect, test } from 'vitest';
import { nameInHost, patternsOf } from '../../src/names/host-name.js';

test('the closest pattern comes first, and a name is not below itself', () => {
  expect(patternsOf('a.b.example.org')).toEqual(['a.b.example.org', '*.b.example.org', '*.example.org', '*.org', '*']);
  expect(patternsOf('box')).toEqual(['box', '*']);
});

describe('a Host field', () => {
  test.each([
    ['example.org', 'example.org'],
    ['EXAMPLE.org:8080', 'example.org'],
    ['example.org.:80', 'example.org'],
    ['example.org:', 'example.org'],
  ])('%s asks for %s', (host, name) => {
    expect(nameInHost(host)).toBe(name);
  });

  test.each([
    '',
    ':80',
    '192.0.2.1:80',
    '[::1]:80',
    'user@example.org',
    'example.org:x',
    'example.org:80:80',
    'a.b, c',
  ])('%j asks for no name', (host) => {
    expect(nameInHost(host)).toBeUndefined();
  });
});
