import { describe, expect, test } from 'vitest';
import { isNumberRule, OptionError } from 'wsproxy-node/options';
import { OPTIONS } from '../../src/options/options.js';
import type { ServerOptions } from '../../src/options/server-options.js';
import { createServer } from '../../src/server.js';

const token = 'a-token-for-tests-0123456789-abcdefghij';
const users = [{ id: 'alice', tokenSha256: '1'.repeat(64) }];

function mistakeIn(options: object): OptionError {
  try {
    createServer(options as ServerOptions);
  } catch (error) {
    if (error instanceof OptionError) return error;
    throw error;
  }
  throw new Error('nothing is wrong with them');
}

describe('an option that cannot be used', () => {
  test.each<[object, string, string]>([
    [{}, 'token', 'give one of token, users and authenticate'],
    [{ token, users }, 'token', 'give one of'],
    [{ users, authenticate: () => undefined }, 'token', 'give one of'],
    [{ token: 7 }, 'token', 'expected a string'],
    [{ token: 'short' }, 'token', 'has 5 characters; use one of 32 or more'],
    [{ token: 'x'.repeat(4_097) }, 'token', 'has 4097 characters'],
    [{ users: {} }, 'users', 'expected a list of users'],
    [{ users: [{ id: 'a b', tokenSha256: '1'.repeat(64) }] }, 'users', 'user "a b": an id has'],
    [{ users: [{ id: 'alice' }] }, 'users', 'user "alice": tokenSha256 must be 64'],
    [
      { users: [{ ...users[0], limits: { sessions: 1.5 } }] },
      'users',
      'limits.sessions: expected a whole number from 1',
    ],
    [{ token, tokens: token }, 'tokens', 'there is no such option'],
    [{ token, path: 'tunnel' }, 'path', 'expected a path such as /tunnel'],
    [{ token, path: '/tunnel?x' }, 'path', 'expected a path'],
    [{ token, path: `/${'x'.repeat(1_024)}` }, 'path', 'expected a path'],
    [{ token, grace: -1 }, 'grace', 'expected a whole number from 0 to 2147483647 ms'],
    [{ token, grace: 2 ** 31 }, 'grace', 'expected a whole number'],
    [{ token, grace: '2m' }, 'grace', 'expected a whole number'],
    [{ token, node: 'Ams' }, 'node', 'expected 1 to 32 of a-z, 0-9 and -'],
    [{ token, node: 'n'.repeat(33) }, 'node', 'expected 1 to 32'],
    [{ token, node: '' }, 'node', 'expected 1 to 32'],
    [{ token, accessLog: 'no' }, 'accessLog', 'expected true or false'],
    [{ token, logger: { info() {} } }, 'logger', 'expected an object with the methods debug, info, warn and error'],
    [{ token, observer: () => {} }, 'observer', 'expected an object'],
    [{ token, policy: {} }, 'policy', 'expected a function'],
    [{ token, dialer: { dial() {} } }, 'dialer', 'expected a function'],
    [{ token, allow: '10.0.0.0/8' }, 'allow', 'expected a list of strings'],
    [{ token, allow: ['10.0.0.0/33'] }, 'allow', 'not a destination rule: "10.0.0.0/33"'],
    [{ token, allowPorts: ['smtp'] }, 'allowPorts', 'not a port: "smtp"'],
    [{ token, allowListen: '127.0.0.1:8000' }, 'allowListen', 'expected a list of strings'],
    [{ token, allowListen: ['127.0.0.1:8000', '*'] }, 'allowListen', 'not a rule for listening: "*"'],
    [{ token, reverse: 'yes' }, 'reverse', 'expected true or false'],
    [{ token, authorizeListen: true }, 'authorizeListen', 'expected a function'],
    [{ token, egress: { upstream: 'ftp://x' } }, 'egress.upstream', 'cannot begin with ftp://'],
    [{ token, egress: { prefer: 'ipv5' } }, 'egress.prefer', 'expected ipv4 or ipv6'],
    [{ token, limits: { channels: 0 } }, 'limits.channels', 'expected a whole number from 1 to 10000000, got 0'],
    [{ token, limits: { chanels: 1 } }, 'limits.chanels', 'there is no such option'],
    [{ token, tls: { cert: 'x', key: 'x' } }, 'tls.cert', 'is not in PEM form'],
    [{ token, tls: { cert: 'x', key: 'x', clientCa: 'x' } }, 'tls.clientCa', 'the client CA is not in PEM form'],
    [{ token, tls: { cert: 'x', keys: 'x' } }, 'tls.keys', 'there is no such option'],
    [{ token, tls: {} }, 'tls.cert', 'is missing'],
    [{ token, tls: { cert: 'x' } }, 'tls.key', 'is missing'],
    [{ token, tls: 'x' }, 'tls', 'expected an object'],
    [{ token, tls: { cert: 7 } }, 'tls.cert', 'expected PEM, as text or bytes'],
    [{ token, allowOrigins: ['example.org'] }, 'allowOrigins', 'expected an origin without a path'],
    [{ token, egress: { upstreams: 'x' } }, 'egress.upstreams', 'there is no such option'],
    [{ token, decoy: '/nowhere/at/all' }, 'decoy', 'no such folder: /nowhere/at/all'],
    [{ token, trustedProxies: ['example.org'] }, 'trustedProxies', 'not a trusted proxy: "example.org"'],
    [{ token, trustedProxies: ['10.0.0.0/33'] }, 'trustedProxies', 'not a trusted proxy: "10.0.0.0/33"'],
    [{ token, allowOrigins: [1] }, 'allowOrigins', 'expected a list of strings'],
  ])('%j is told by its name, in one line', (options, option, problem) => {
    const mistake = mistakeIn(options);
    expect(mistake).toMatchObject({ name: 'OptionError', code: 'INVALID_OPTION', option });
    expect(mistake.problem).toContain(problem);
    expect(mistake.message).toBe(`${option}: ${mistake.problem}`);
    expect(mistake.message).not.toContain('\n');
  });

  const rows = Object.entries(OPTIONS).filter(([, { library }]) => library === undefined);
  test.each(rows)('%s is refused by its name when its value is none', (key, rule) => {
    const [group = '', name] = key.split('.');
    const beyond = isNumberRule(rule) ? [rule.min - 1, rule.max + 1, rule.min + 0.5, Number.NaN] : [];
    for (const value of [Symbol('none'), ...beyond]) {
      if (value === 0 && 'zero' in rule) continue;
      const options = name === undefined ? { [key]: value } : { [group]: { [name]: value } };
      expect(mistakeIn({ token, ...options }), String(value)).toMatchObject({ option: key, code: 'INVALID_OPTION' });
    }
  });

  test('is never named with a secret', () => {
    const secret = 'user:s3cret';
    for (const options of [{ token: secret }, { token, egress: { upstream: `ftp://${secret}@proxy` } }]) {
      expect(mistakeIn(options).message).not.toContain('s3cret');
    }
  });
});

test('options that are undefined are not given', async () => {
  const undefinedOptions = {
    users: undefined,
    path: undefined,
    grace: undefined,
    logger: undefined,
    limits: undefined,
  };
  await createServer({ token, ...undefinedOptions } as unknown as ServerOptions).close();
});
