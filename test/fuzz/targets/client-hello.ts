import { deepEqual, ok } from 'node:assert/strict';
import { parseName } from '../../../packages/engine/src/target.js';
import { ClientHelloReader } from '../../../packages/node/src/tls-hello/client-hello.js';
import { TlsError } from '../../../packages/node/src/tls-hello/tls-error.js';
import type { Target } from '../target.js';

/** What a connection with TLS begins with, as a port for names reads it. */
export const clientHello: Target = {
  name: 'client-hello',
  run(input) {
    const whole = read([input]);
    deepEqual(read(Array.from(input, (_, i) => input.subarray(i, i + 1))), whole, 'packets make no difference');
    if (typeof whole !== 'object') return;
    const { serverName = '' } = whole;
    const name = parseName(serverName);
    if (name !== undefined) ok(/^[\w.-]{1,253}$/.test(name), 'a name is a name');
  },
};

/** What was read, the alert, or nothing while more is needed. */
function read(packets: readonly Buffer[]): { serverName: string | undefined } | string | undefined {
  const reader = new ClientHelloReader();
  try {
    for (const packet of packets) {
      const hello = reader.read(packet);
      if (hello !== undefined) return hello;
    }
    return undefined;
  } catch (error) {
    if (error instanceof TlsError) return error.alert;
    throw error;
  }
}
