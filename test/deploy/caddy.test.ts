import { describe } from 'vitest';
import { startCaddy } from 'wsproxy-test-support/programs/caddy';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { testBehind } from './reverse-proxy.js';

describe('behind Caddy', () => {
  skipUnlessInstalled('caddy');
  skipUnlessInstalled('openssl');
  skipUnlessInstalled('curl');

  testBehind(startCaddy);
});
