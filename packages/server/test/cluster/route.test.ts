import { describe, expect, test } from 'vitest';
import { formatRoute, isNodeName, nodeNameOf, parseRoute, randomUid } from '../../src/cluster/route.js';

describe('a route', () => {
  test.each([
    [{ node: 'ams-1', uid: '0123456789ab' }, 'ams-1.0123456789ab'],
    [{ node: '7', uid: 'ffffffffffff' }, '7.ffffffffffff'],
    [{ node: 'n'.repeat(32), uid: '000000000000' }, `${'n'.repeat(32)}.000000000000`],
  ])('is written and read: %j', (route, text) => {
    expect(formatRoute(route)).toBe(text);
    expect(parseRoute(text)).toEqual(route);
  });

  test.each([
    '',
    '.',
    'ams-1',
    'ams-1.',
    '.0123456789ab',
    'ams-1.0123456789a',
    'ams-1.0123456789abc',
    'ams-1.0123456789AB',
    'AMS.0123456789ab',
    'a.b.0123456789ab',
    'a b.0123456789ab',
    '../x.0123456789ab',
    ' ams-1.0123456789ab',
    'ams-1.0123456789ab\n',
    `${'n'.repeat(33)}.0123456789ab`,
  ])('is none: %j', (text) => {
    expect(parseRoute(text)).toBeUndefined();
  });

  test('of each process is another one', () => {
    const uids = Array.from({ length: 100 }, randomUid);
    expect(new Set(uids).size).toBe(100);
    expect(uids.every((uid) => parseRoute(`n.${uid}`)?.uid === uid)).toBe(true);
  });
});

test.each([
  ['gateway', 'gateway'],
  ['AMS-1.example.org', 'ams-1'],
  ['my_laptop', 'my-laptop'],
  ['büro', 'b-ro'],
  ['wsproxy-server-production-7d9f8c6b5-x2x4z', 'server-production-7d9f8c6b5-x2x4z'],
  ['', 'node'],
  ['.example.org', 'node'],
])('the host name %j gives the node name %j', (hostName, name) => {
  expect(nodeNameOf(hostName)).toBe(name.slice(-32));
  expect(isNodeName(nodeNameOf(hostName))).toBe(true);
});
