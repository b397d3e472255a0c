import { describe, expect, test } from 'vitest';
import { type Door, Neighbours } from '../../src/cluster/neighbours.js';

const [HERE, OTHER] = ['0123456789ab', 'fedcba987654'];
const AMS = { host: '10.0.0.2', port: 7000 };

function neighbours(workers?: string): Neighbours {
  const made = new Neighbours({ node: 'here', uid: HERE });
  made.workers = workers;
  made.nodes = (node) => (node === 'ams' ? AMS : undefined);
  return made;
}

describe('where a request belongs', () => {
  test.each<[door: Door, node: string, uid: string, hop: object | undefined]>([
    ['public', 'here', HERE, undefined],
    ['public', 'here', OTHER, { path: `/run/w/${OTHER}` }],
    ['public', 'ams', OTHER, AMS],
    ['public', 'ams', HERE, AMS],
    ['public', 'nowhere', OTHER, undefined],
    ['node', 'here', HERE, undefined],
    ['node', 'here', OTHER, { path: `/run/w/${OTHER}` }],
    ['node', 'ams', OTHER, undefined],
    ['worker', 'here', HERE, undefined],
    ['worker', 'here', OTHER, undefined],
    ['worker', 'ams', OTHER, undefined],
  ])('by the %s door, of %s.%s', (door, node, uid, hop) => {
    expect(neighbours('/run/w').hopTo({ node, uid }, door)).toEqual(hop);
  });

  test.each<[door: Door, node: string, hasNodes: boolean, isLost: boolean]>([
    ['public', 'nowhere', true, true],
    ['public', 'ams', true, false],
    ['public', 'here', true, false],
    ['node', 'nowhere', true, false],
    // It has no list in which the name could be missing.
    ['public', 'nowhere', false, false],
  ])('by the %s door, of the node %s, with others: %s, is known to be lost: %s', (door, node, hasNodes, isLost) => {
    const made = neighbours();
    made.hasNodes = hasNodes;
    expect(made.isLost({ node, uid: OTHER }, door)).toBe(isLost);
  });

  test('is here, in a node with one process, no matter what process of it is named', () => {
    expect(neighbours().hopTo({ node: 'here', uid: OTHER }, 'public')).toBeUndefined();
  });

  test('is never further out than it came from, no matter what two nodes say of each other', () => {
    const [one, other] = ['one', 'other'].map((name) => {
      const made = new Neighbours({ node: name, uid: HERE });
      // Each takes the other for both of them.
      made.nodes = () => AMS;
      return made;
    });
    expect(one?.hopTo({ node: 'other', uid: OTHER }, 'public')).toEqual(AMS);
    expect(other?.hopTo({ node: 'one', uid: OTHER }, 'node')).toBeUndefined();
  });
});
