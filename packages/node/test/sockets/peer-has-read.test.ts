import { afterEach, describe, expect, it } from 'vitest';
import { connectedSockets } from 'wsproxy-test-support/sockets/connected-sockets';
import { peerHasRead } from '../../src/sockets/peer-has-read.js';

const cleanups: (() => unknown)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function sockets(family: 'TCP' | 'Unix') {
  const pair = await connectedSockets(family);
  cleanups.push(() => pair.map((socket) => socket.destroy()));
  return pair;
}

describe.runIf(process.platform === 'linux')('whether the other end has read', () => {
  it.each([0, 1])('is told of end %i of TCP', async (index) => {
    const pair = await sockets('TCP');
    const [ours, theirs] = index === 0 ? pair : [pair[1], pair[0]];
    expect(await peerHasRead(ours)).toBe(true);
    // More than Node reads of itself.
    theirs.pause();
    ours.write(Buffer.alloc(1 << 20));
    await expect.poll(() => peerHasRead(ours)).toBe(false);
    theirs.resume();
    await expect.poll(() => peerHasRead(ours)).toBe(true);
  });

  it('is not known of a Unix socket', async () => {
    const [ours] = await sockets('Unix');
    expect(await peerHasRead(ours)).toBeUndefined();
  });
});
