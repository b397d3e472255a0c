import { describe, expect, test } from 'vitest';
import { KnownNodes } from '../../src/store/known-nodes.js';

const process = (node: string, address: string, uid = node) => ({ uid, node, address });

describe('nodes that the store names', () => {
  test('are known by their addresses, those of several processes once', () => {
    const nodes = new KnownNodes();
    nodes.update([process('a', 'a:1', 'p'), process('a', 'a:1', 'q'), process('b', '')]);
    expect([nodes.addressOf('a'), nodes.addressOf('b'), nodes.addressOf('c')]).toEqual(['a:1', undefined, undefined]);
  });

  test('are known for some time after a store that has begun anew has forgotten them', () => {
    const nodes = new KnownNodes();
    nodes.update([process('a', 'a:1')]);
    for (let look = 0; look < 30; look++) nodes.update([process('b', 'b:1')]);
    expect(nodes.addressOf('a')).toBe('a:1');
    nodes.update([process('b', 'b:1')]);
    expect(nodes.addressOf('a')).toBeUndefined();
  });

  test('have the address of the one that was there first where two have one name, until it is gone', () => {
    const nodes = new KnownNodes();
    nodes.update([process('a', 'a:1', 'p')]);
    nodes.update([process('a', 'a:2', 'q'), process('a', 'a:1', 'p')]);
    expect(nodes.addressOf('a')).toBe('a:1');
    nodes.update([process('a', 'a:2', 'q')]);
    expect(nodes.addressOf('a')).toBe('a:2');
  });
});
