import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { connectedSockets, type Family, Observer } from 'wsproxy-test-support/sockets/connected-sockets';
import { tlsSockets } from 'wsproxy-test-support/sockets/tls-sockets';
import { resetSocket } from '../../src/sockets/reset-socket.js';

describe('resetSocket', () => {
  test('does nothing to a socket that is destroyed', async () => {
    const [accepted, application] = await connectedSockets('TCP');
    accepted.destroy();
    application.destroy();
    expect(() => resetSocket(accepted)).not.toThrow();
  });

  test.each<Family>(['TCP', 'Unix'])('destroys a %s socket', async (family) => {
    const [accepted, application] = await connectedSockets(family);
    const seen = new Observer(application);
    resetSocket(accepted);
    expect(accepted.destroyed).toBe(true);
    await seen.ended;
    expect(seen.events).toEqual([family === 'TCP' ? 'reset' : 'end']);
    application.destroy();
  });

  test.each(['over its own TCP', 'over TCP'] as const)('resets the connection below TLS %s', async (kind) => {
    const { ours, theirs, raw } = await tlsSockets(kind);
    ours.write('not all of it');
    await once(theirs, 'data');
    const seen = new Observer(raw);
    const closed = once(ours, 'close').catch(() => {});
    resetSocket(ours);
    await Promise.all([seen.closed, closed]);
    expect(seen.events).toEqual(['reset']);
    for (const socket of [ours, theirs, raw]) socket.destroy();
  });
});
