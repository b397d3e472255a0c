import { describe, expect, test } from 'vitest';
import { createPolicies, createPolicy } from '../../src/dial/policy.js';
import type { Protocol } from '../../src/targets/destination-rule.js';
import { checkRules, compileRules, type DestinationRules } from '../../src/targets/destination-rules.js';

const ownAddresses = () => new Set(['45.0.0.1', '10.9.9.9']);

/** Whether a destination, `address port[/udp] [name]`, may be dialled, or the rule that denies it. */
function judge(rules: DestinationRules, destination: string) {
  const [address = '', service = '', name] = destination.split(' ');
  const [port, protocol] = service.split('/') as [string, Protocol?];
  return createPolicy(rules, { ownAddresses }).check(address, Number(port), name, protocol) ?? 'allowed';
}

const OPEN_INSIDE = { allow: ['10.1.0.0/16:5432', '[fd00:1::/32]:80,443,8000-8999'] };
const MAIL = { allow: ['mail.example.org:25', '1.2.3.4'] };
const WEB_ONLY = { deny: ['*'], allow: [':80,443'] };
const ONE_ZONE = { deny: ['*'], allow: ['*.example.org:443'] };
const HOLES = { allowPrivate: true, deny: ['10.0.0.0/8', '*.bad.example', 'worse.example:80', ':22', '203.0.113.7'] };
const DNS_INSIDE = { allow: ['10.1.0.0/16:53/udp', '10.2.0.0/16:53/tcp', '10.3.0.0/16:53'] };
const NO_QUIC = { deny: [':443/udp', 'tcp.example/tcp'] };
const DNS_ONLY = { deny: ['*/udp'], allow: ['53/udp'] };
const EVERYTHING = { allow: ['*', '0.0.0.0/0', '::/0', '127.0.0.0/7', '*.example.org', 'evil.example'] };

describe('the rules', () => {
  test.each<[DestinationRules, string, string]>([
    [{}, '1.1.1.1 443', 'allowed'],
    [{}, '1.1.1.1 25', 'denied:port-25'],
    [{}, '1.1.1.1 587', 'allowed'],
    [{ allowPorts: ['25'] }, '1.1.1.1 25', 'allowed'],
    [{ allowPorts: ['1-1023'] }, '1.1.1.1 25', 'allowed'],
    [{ allowPorts: ['26', '587'] }, '1.1.1.1 25', 'denied:port-25'],
    [{ allowPorts: ['25'] }, '10.0.0.1 25', 'denied:private'],
    [{ allowPrivate: true }, '10.0.0.1 25', 'denied:port-25'],
    [MAIL, '1.1.1.1 25 mail.example.org', 'allowed'],
    [MAIL, '1.1.1.1 25 other.example.org', 'denied:port-25'],
    [MAIL, '1.2.3.4 25', 'denied:port-25'],

    [OPEN_INSIDE, '10.1.2.3 5432', 'allowed'],
    [OPEN_INSIDE, '::ffff:10.1.2.3 5432', 'allowed'],
    [OPEN_INSIDE, '10.1.2.3 5433', 'denied:private'],
    [OPEN_INSIDE, '10.2.0.1 5432', 'denied:private'],
    [OPEN_INSIDE, 'fd00:1::5 8500', 'allowed'],
    [OPEN_INSIDE, 'fd00:1::5 81', 'denied:private'],
    [OPEN_INSIDE, '1.1.1.1 80', 'allowed'],
    [OPEN_INSIDE, '127.0.0.1 5432', 'denied:loopback'],

    [{ allow: ['169.254.0.0/16'] }, '169.254.1.1 80', 'allowed'],
    [{ allow: ['169.254.0.0/16'] }, '169.254.169.254 80', 'denied:metadata'],
    [{ allow: ['169.254.169.254:80'] }, '169.254.169.254 80', 'allowed'],
    [{ allow: ['168.63.0.0/16'] }, '168.63.129.16 80', 'denied:metadata'],
    [{ allow: ['45.0.0.0/8'] }, '45.0.0.1 80', 'denied:own-address'],
    [{ allow: ['45.0.0.1'] }, '45.0.0.1 80', 'allowed'],
    [{ allow: ['10.0.0.0/8'] }, '10.9.9.9 80', 'allowed'],
    [{ allow: ['64:ff9b::/96'] }, '64:ff9b::7f00:1 80', 'allowed'],

    [EVERYTHING, '127.0.0.1 80', 'denied:loopback'],
    [EVERYTHING, '10.0.0.1 80', 'denied:private'],
    [EVERYTHING, '10.0.0.1 80 evil.example', 'denied:private'],
    [EVERYTHING, '127.0.0.1 80 www.example.org', 'denied:loopback'],
    [EVERYTHING, '::1 80', 'denied:loopback'],
    [EVERYTHING, '0.0.0.0 80', 'denied:unspecified'],
    [EVERYTHING, '169.254.169.254 80', 'denied:metadata'],
    [EVERYTHING, '45.0.0.1 80', 'denied:own-address'],
    [EVERYTHING, '224.0.0.1 80', 'denied:multicast'],
    [EVERYTHING, 'example.org 80', 'denied:invalid'],

    [HOLES, '192.168.1.1 80', 'allowed'],
    [HOLES, '10.0.0.1 80', 'denied:10.0.0.0/8'],
    [HOLES, '::ffff:10.0.0.1 80', 'denied:10.0.0.0/8'],
    [HOLES, '1.1.1.1 80 www.bad.example', 'denied:*.bad.example'],
    [HOLES, '1.1.1.1 80 bad.example', 'allowed'],
    [HOLES, '1.1.1.1 80 worse.example', 'denied:worse.example:80'],
    [HOLES, '1.1.1.1 443 worse.example', 'allowed'],
    [HOLES, '1.1.1.1 22', 'denied::22'],
    [{ allow: ['10.1.0.0/16', '*'], deny: ['10.0.0.0/8'] }, '10.1.0.1 80', 'denied:10.0.0.0/8'],
    [{ deny: ['::/0'] }, '2606:4700::1 80', 'denied:::/0'],
    [{ deny: ['::/0'] }, '1.1.1.1 80', 'allowed'],
    [{ deny: ['0.0.0.0/0'] }, '2606:4700::1 80', 'allowed'],

    [WEB_ONLY, '1.1.1.1 443', 'allowed'],
    [WEB_ONLY, '1.1.1.1 22', 'denied:*'],
    [WEB_ONLY, '10.0.0.1 443', 'denied:private'],
    [ONE_ZONE, '1.1.1.1 443 www.example.org', 'allowed'],
    [ONE_ZONE, '1.1.1.1 443', 'denied:*'],
    [ONE_ZONE, '1.1.1.1 80 www.example.org', 'denied:*'],
    [ONE_ZONE, '10.0.0.1 443 www.example.org', 'denied:private'],
    [{ deny: ['*'] }, '1.1.1.1 443', 'denied:*'],
    [{ deny: ['*'], allowPrivate: true }, '10.0.0.1 443', 'denied:*'],
    [{ deny: ['*'], allow: ['10.0.0.1'] }, '10.0.0.1 443', 'allowed'],

    [{}, '1.1.1.1 53/udp', 'allowed'],
    [{}, '10.0.0.1 53/udp', 'denied:private'],
    [{}, '1.1.1.1 25/udp', 'denied:port-25'],
    [{ allowPorts: ['25'] }, '1.1.1.1 25/udp', 'allowed'],
    [{ allowPorts: ['25/udp'] }, '1.1.1.1 25/udp', 'allowed'],
    [{ allowPorts: ['25/udp'] }, '1.1.1.1 25', 'denied:port-25'],
    [DNS_INSIDE, '10.1.0.1 53/udp', 'allowed'],
    [DNS_INSIDE, '10.1.0.1 53', 'denied:private'],
    [DNS_INSIDE, '10.2.0.1 53/udp', 'denied:private'],
    [DNS_INSIDE, '10.2.0.1 53', 'allowed'],
    [DNS_INSIDE, '10.3.0.1 53/udp', 'allowed'],
    [DNS_INSIDE, '10.3.0.1 53', 'allowed'],
    [NO_QUIC, '1.1.1.1 443/udp', 'denied::443/udp'],
    [NO_QUIC, '1.1.1.1 443', 'allowed'],
    [NO_QUIC, '1.1.1.1 80/udp tcp.example', 'allowed'],
    [NO_QUIC, '1.1.1.1 80 tcp.example', 'denied:tcp.example/tcp'],
    [HOLES, '10.0.0.1 80/udp', 'denied:10.0.0.0/8'],
    [DNS_ONLY, '1.1.1.1 53/udp', 'allowed'],
    [DNS_ONLY, '1.1.1.1 123/udp', 'denied:*'],
    [DNS_ONLY, '1.1.1.1 123', 'allowed'],
    [{ deny: ['*/tcp'] }, '1.1.1.1 123/udp', 'allowed'],
    [{ deny: ['*/tcp'] }, '1.1.1.1 123', 'denied:*'],
    [{ deny: ['*'] }, '1.1.1.1 53/udp', 'denied:*'],
  ])('%j answer for %s: %s', (rules, destination, outcome) => {
    expect(judge(rules, destination)).toBe(outcome);
  });

  test('cannot open where the server itself listens', () => {
    const listening = () => [{ address: '127.0.0.1', port: 8080 }];
    const policy = createPolicy({ allow: ['127.0.0.1:8080'] }, { ownAddresses, listening });
    expect(policy.check('127.0.0.1', 8080)).toBe('denied:own-listener');
  });
});

describe('a user', () => {
  const policyOf = createPolicies({ deny: ['203.0.114.7'], allow: ['10.0.0.1'] }, { ownAddresses });

  test('without rules has the common ones', () => {
    expect(policyOf().check('10.0.0.1', 80)).toBeUndefined();
    expect(policyOf().check('203.0.114.7', 80)).toBe('denied:203.0.114.7');
  });

  test('with rules has those in place of the common ones, but nothing of what is denied to everybody', () => {
    const own = policyOf({ allow: ['10.0.0.2', '203.0.114.7'], deny: ['1.1.1.1'] });
    expect(own.check('10.0.0.2', 80)).toBeUndefined();
    expect(own.check('10.0.0.1', 80)).toBe('denied:private');
    expect(own.check('1.1.1.1', 80)).toBe('denied:1.1.1.1');
    expect(own.check('203.0.114.7', 80)).toBe('denied:203.0.114.7');
  });

  test('has one policy for the same rules', () => {
    const rules = { allowPrivate: true };
    expect(policyOf(rules)).toBe(policyOf(rules));
  });
});

describe('mistakes', () => {
  const rules = {
    allow: ['10.0.0.0/33', 'example.org', '0.0.0.0/8', '224.0.0.1'],
    deny: 'example.org',
    allowPrivate: 'yes',
    allowPorts: ['smtp'],
    allows: [],
  } as unknown as DestinationRules;

  test('are all told, one line each', () => {
    expect(checkRules(rules)).toEqual([
      'allows: no such rule; expected one of allow, deny, allowPrivate, allowPorts',
      'allowPrivate: expected true or false',
      expect.stringMatching(/^allow: not a destination rule: "10\.0\.0\.0\/33"; expected [^\n]+$/),
      'allow: 0.0.0.0/8 is unspecified: nothing of it is ever a destination',
      'allow: 224.0.0.1 is multicast: nothing of it is ever a destination',
      'deny: expected a list',
      'allowPorts: not a port: "smtp"; expected ports such as 25, 1-1023, 25,587 or 25/tcp',
    ]);
  });

  test('make no policy', () => {
    expect(() => createPolicy(rules)).toThrow(TypeError);
    expect(() => compileRules(rules)).toThrow(checkRules(rules).join('\n'));
  });

  test('are none where nothing is wrong', () => {
    expect(checkRules(HOLES)).toEqual([]);
    expect(checkRules({})).toEqual([]);
  });
});
