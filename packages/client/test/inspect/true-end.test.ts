import { createSecureContext, TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { Authority } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { Distrust, secureTrueEnd } from '../../src/inspect/true-end.js';
import { streamPair } from './stream-pair.js';

skipUnlessInstalled('openssl');

test.each([
  ['is trusted with the name as an alternative name', 'DNS:localhost', true],
  ['is not trusted with a common name alone, as browsers do not take it', undefined, false],
])('a destination %s', async (_what, altName, isTrusted) => {
  const authority = new Authority('of destinations');
  atEnd(() => authority.remove());
  const { cert, key } = authority.issue('localhost', altName);
  const [near, far] = streamPair();
  const context = createSecureContext({ cert, key });
  const destination = new TLSSocket(far, { isServer: true, secureContext: context }).on('error', () => {});
  atEnd(() => void destination.destroy());
  const trust = createSecureContext({ ca: authority.cert });
  const secured = secureTrueEnd(near, { name: 'localhost', protocols: undefined, trust });
  if (isTrusted) (await secured).destroy();
  else await expect(secured).rejects.toBeInstanceOf(Distrust);
});
