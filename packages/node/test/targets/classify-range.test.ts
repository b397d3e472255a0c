import { expect, test } from 'vitest';
import { classifyRange } from '../../src/targets/classify-range.js';

test.each([
  ['10.0.0.0', 8, 'private'],
  ['10.1.2.3', 16, 'private'],
  ['192.168.1.1', 32, 'private'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link-local'],
  ['169.254.169.254', 32, 'metadata'],
  ['1.1.1.0', 24, 'public'],
  ['172.0.0.0', 8, 'public'], // What it holds of another class, it does not open.
  ['fc00::', 7, 'private'],
  ['fd00:ec2::254', 128, 'metadata'],
  ['::1', 128, 'loopback'],
  ['::ffff:10.0.0.0', 104, 'private'],
  ['::ffff:127.0.0.1', 128, 'loopback'],
  ['64:ff9b::', 96, 'translated'],
  ['2a00::', 16, 'public'],
  ['0.0.0.0', 8, 'unspecified'],
  ['::', 128, 'unspecified'],
] as const)('the range %s/%d is %s', (address, prefix, addressClass) => {
  expect(classifyRange({ address, prefix })).toBe(addressClass);
});

test.each([
  ['0.0.0.0', 0],
  ['0.0.0.0', 1],
  ['10.0.0.0', 7],
  ['192.168.0.0', 15],
  ['169.254.169.254', 31],
  ['::', 0],
  ['::', 1],
  ['fc00::', 6],
  ['::ffff:0.0.0.0', 96],
] as const)('the range %s/%d is of several classes', (address, prefix) => {
  expect(classifyRange({ address, prefix })).toBeUndefined();
});
