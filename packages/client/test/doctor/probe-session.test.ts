import { expect, test } from 'vitest';
import type { Transport } from 'wsproxy-engine';
import { ProbeIdentity } from '../../src/doctor/probe-identity.js';
import { ProbeSession } from '../../src/doctor/probe-session.js';

/** A server that has answered the greeting, and nothing since. */
class MuteServer implements Transport {
  receiver: Transport['receiver'] = { onBytes() {}, onDrain() {}, onClose() {}, onText() {} };
  readonly backlog = 0;
  #greeted = false;

  /** HELLO is answered by the same (PROTOCOL.md section 6). */
  send(parts: readonly Buffer[]): void {
    if (this.#greeted) return;
    this.#greeted = true;
    const answer = Buffer.concat(parts);
    queueMicrotask(() => this.receiver.onBytes(answer));
  }

  close(): void {}
  terminate(): void {}
}

test('a server that says nothing about a new connection is not waited for', async () => {
  const probe = await ProbeSession.begin(new MuteServer(), new ProbeIdentity());
  await expect(probe.ask({ host: 'example.org', port: 443 }, 50)).rejects.toThrow(/no word .* within 0.05 s/);
  expect(probe.session.channels).toHaveLength(0);
  probe.end();
});
