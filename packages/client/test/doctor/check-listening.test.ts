import { type Duplex, PassThrough, Transform } from 'node:stream';
import { expect, test } from 'vitest';
import { type FailureCode, TunnelError } from 'wsproxy-engine';
import { checkListening } from '../../src/doctor/check-listening.js';
import type { ProbeSession } from '../../src/doctor/probe-session.js';

/** A server that answers so; behind its port, if it listens, is `atPort`. */
function examine(outcome: 'open' | FailureCode, atPort: () => Duplex = () => new PassThrough()) {
  let isClosed = false;
  const address = outcome === 'open' ? { host: '127.0.0.1', port: 8_000 } : undefined;
  const probe = {
    askListener: async () => ({ outcome, ms: 1.234, address, close: () => (isClosed = true) }),
    open: atPort,
  } as unknown as ProbeSession;
  return { findings: checkListening(probe), isClosed: () => isClosed };
}

const failingWith = (code: FailureCode) => (): Duplex =>
  new Transform({ transform: (_chunk, _encoding, done) => done(new TunnelError(code)) });

const shouting = (): Duplex => new Transform({ transform: (chunk, _encoding, done) => done(null, `${chunk}!`) });

test.each([
  ['UNSUPPORTED', { mark: 'skip', text: 'no remote listeners: the server offers none (--reverse), or is too old' }],
  ['DENIED', { mark: 'skip', text: 'no remote listeners: its rules do not let this user listen on 127.0.0.1' }],
  [
    'LIMIT_REACHED',
    { mark: 'warn', text: 'no remote listener now: limit reached', cure: expect.stringContaining('log') },
  ],
] as const)('a server that answers %s is judged in one line, and its port is not tried', async (outcome, listening) => {
  expect(await examine(outcome).findings).toEqual([listening, { mark: 'skip', text: 'the server does not listen' }]);
});

test.each([
  ['answers', () => new PassThrough(), 'ok', /^a connection to it comes here, and its answer back, after [\d.]+ ms$/],
  ['may not be dialled', failingWith('DENIED'), 'skip', /^not tried: the server dials no port of its own/],
  ['is deaf', failingWith('CONNECTION_REFUSED'), 'warn', /^nobody answers at the port .*: connection refused$/],
  ['says something else', shouting, 'warn', /^somebody else answers at this port$/],
] as const)('a port that %s is judged in one line, and closed again', async (_title, atPort, mark, text) => {
  const { findings, isClosed } = examine('open', atPort);
  const figures = { address: '127.0.0.1:8000', openedMs: 1.2 };
  const listening = { mark: 'ok', text: 'the server listens for this user: on 127.0.0.1:8000 just now', figures };
  expect(await findings).toMatchObject([listening, { mark, text: expect.stringMatching(text) }]);
  expect(isClosed()).toBe(true);
});
