import { describe, expect, test } from 'vitest';
import { resetSocket } from '../src/reset-socket.js';
import { connectedSockets, type Family, Observer } from './support/sockets.js';

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
});
