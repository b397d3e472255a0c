import { describe, expect, test } from 'vitest';
import { nodesOf, parsePeer } from '../../src/cluster/peers.js';

describe('a peer', () => {
  test.each([
    ['ams-2=10.0.0.2:7000', { node: 'ams-2', host: '10.0.0.2', port: 7000 }],
    ['b=b.internal.example:1', { node: 'b', host: 'b.internal.example', port: 1 }],
    ['b=[2001:db8::2]:65535', { node: 'b', host: '2001:db8::2', port: 65_535 }],
  ])('is read from %s', (text, peer) => {
    expect(parsePeer(text)).toEqual(peer);
  });

  test.each([
    '',
    'b',
    'b=',
    '=h:1',
    'B=h:1',
    'b=h',
    'b=h:0',
    'b=h:65536',
    'b=[h]:1',
    'b=::1:1',
    'b=u@h:1',
    'b=h:1/x',
    'b=a b:1',
  ])('is not read from %j', (text) => {
    expect(() => parsePeer(text)).toThrow('expected NAME=HOST:PORT');
  });

  test('that is there twice is refused', () => {
    expect(() => nodesOf(['b=h:1', 'b=h:2'], 'here')).toThrow('peer: b is there twice');
  });

  test('that is this node is left out, so that all nodes may have one list', () => {
    const all = ['a=h:1', 'b=h:2', 'c=h:3'];
    expect([...nodesOf(all, 'b').keys()]).toEqual(['a', 'c']);
    expect([...nodesOf(all, undefined).keys()]).toEqual(['a', 'b', 'c']);
  });
});
