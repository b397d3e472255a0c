import { describe } from 'vitest';
import { startHaproxy } from 'wsproxy-test-support/programs/haproxy';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { testBehind } from './reverse-proxy.js';

describe('behind HAProxy', () => {
  skipUnlessInstalled('haproxy');
  skipUnlessInstalled('openssl');
  skipUnlessInstalled('curl');

  testBehind(startHaproxy);
});
