import { describe, expect, test } from 'vitest';
import { parseStoreAddress } from '../../src/store/store-address.js';

describe('the address of a store', () => {
  test.each([
    ['redis://store', 'redis://store', 'wsproxy:{default}:'],
    ['redis://10.0.0.7:7000/3?cluster=eu-1', 'redis://10.0.0.7:7000/3', 'wsproxy:{eu-1}:'],
    ['rediss://user:p%40ss@[fd00::7]:6380/', 'rediss://user:p%40ss@[fd00::7]:6380/', 'wsproxy:{default}:'],
    ['unix:///run/redis.sock?cluster=a', 'unix:///run/redis.sock', 'wsproxy:{a}:'],
  ])('%s is understood', (text, url, prefix) => {
    expect(parseStoreAddress(text)).toEqual({
      url,
      prefix,
      users: prefix.replace(/^wsproxy(.*):$/, 'wsproxy-users$1'),
    });
  });

  test.each([
    'store:6379',
    'http://store',
    'redis://',
    'redis://store/name',
    'redis://store?cluster=',
    'redis://store?cluster=EU',
    'redis://store?family=6',
    'redis://store#1',
    'unix:',
  ])('%s is refused, by a line that does not repeat it', (text) => {
    expect(() => parseStoreAddress(text)).toThrow(
      /^cluster: must be redis:\/\/host:port, rediss:.* or unix:.*\?cluster=NAME, with 1 to 32 of a-z/,
    );
  });
});
