import { deepEqual, match, ok } from 'node:assert/strict';
import {
  formatTarget,
  parseAuthority,
  parseHost,
  type Target as TunnelTarget,
} from '../../../packages/engine/src/target.js';
import { parseBasic } from '../../../packages/node/src/accept/credentials.js';
import { type Destination, parseAbsoluteForm, schemeOf } from '../../../packages/node/src/accept/http/absolute-form.js';
import { MessageError } from '../../../packages/node/src/http-message/message-error.js';
import type { Target } from '../target.js';

/** Request-targets in authority and absolute form, hosts, and the credentials of a proxy. */
export const httpTarget: Target = {
  name: 'http-target',
  run(input) {
    const text = input.toString('latin1');
    expectSafe(parseAuthority(text));
    const destination = destinationOf(text);
    expectSafe(destination?.target);
    if (destination !== undefined) {
      ok(['http', 'ws'].includes(schemeOf(text) ?? ''), 'only http and ws are forwarded');
      ok(destination.requestTarget.startsWith('/'), 'origin form begins with a slash');
      ok(!destination.requestTarget.includes('#'), 'no fragment is sent');
      ok(
        /^[\x21-\x7e]+$/.test(destination.authority) && !destination.authority.includes('@'),
        'the authority is a host and port',
      );
    }
    for (const part of parseBasic(text) ?? []) deepEqual(typeof part, 'string');
  },
};

function destinationOf(text: string): Destination | undefined {
  try {
    return parseAbsoluteForm('GET', text);
  } catch (error) {
    if (error instanceof MessageError) return undefined;
    throw error;
  }
}

function expectSafe(target: TunnelTarget | undefined): void {
  if (target === undefined) return;
  const { host, port } = target;
  ok(Number.isInteger(port) && port > 0 && port < 65_536, 'the port can be dialled');
  match(host, /^[\x21-\x7e]{1,255}$/, 'the host is printable ASCII');
  deepEqual(parseHost(host), host, 'the host is canonical');
  deepEqual(parseAuthority(formatTarget(target)), target, 'what is formatted is parsed to the same');
}
