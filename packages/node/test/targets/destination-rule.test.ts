import { describe, expect, it } from 'vitest';
import { matchesDestination, parseDestinationRule } from '../../src/targets/destination-rule.js';

describe('a destination rule', () => {
  it.each<[rule: string, host: string, port: number]>([
    ['example.org', 'example.org', 80],
    ['Example.ORG.', 'example.org', 80],
    ['*.example.org', 'www.example.org', 443],
    ['*.example.org', 'a.b.example.org', 443],
    ['*', 'example.org', 1],
    ['*:443', '192.0.2.1', 443],
    ['192.0.2.1', '192.0.2.1', 80],
    ['192.0.2.1', '::ffff:192.0.2.1', 80],
    ['10.0.0.0/8', '10.255.0.1', 65_535],
    ['0.0.0.0/0', '203.0.113.7', 80],
    ['2001:db8::/32', '2001:db8:1::1', 80],
    ['[2001:db8::/32]', '2001:db8:1::1', 80],
    ['[2001:db8::/32]:443', '2001:db8::1', 443],
    ['::1', '::1', 22],
    ['[::1]:22', '::1', 22],
    [':443', 'example.org', 443],
    ['443', 'example.org', 443],
    [':1-1023', '192.0.2.1', 1],
    ['1-1023', '192.0.2.1', 1023],
    ['example.org:8000-8010', 'example.org', 8005],
    ['10.0.0.0/8:22', '10.1.2.3', 22],
    ['*.example.org:443', 'www.example.org', 443],
    [' example.org ', 'example.org', 80],
    ['example.org:80,443', 'example.org', 443],
    ['80,8000-8010', '192.0.2.1', 8005],
    ['::/0', '2001:db8::1', 80],
    ['::ffff:10.0.0.0/104', '10.1.2.3', 80],
  ])('%s matches %s port %i', (rule, host, port) => {
    expect(matchesDestination(parseDestinationRule(rule), host, port)).toBe(true);
  });

  it.each<[rule: string, host: string, port: number]>([
    ['example.org', 'www.example.org', 80],
    ['example.org', 'notexample.org', 80],
    ['*.example.org', 'example.org', 443],
    ['*.example.org', 'notexample.org', 443],
    ['example.org:443', 'example.org', 80],
    ['192.0.2.1', '192.0.2.2', 80],
    ['10.0.0.0/8', '11.0.0.1', 80],
    ['10.0.0.0/8', 'ten.example', 80],
    ['10.0.0.0/8:22', '10.1.2.3', 23],
    ['2001:db8::/32', '2001:db9::1', 80],
    [':443', 'example.org', 444],
    ['1-1023', '192.0.2.1', 1024],
    ['0.0.0.0/0', '2001:db8::1', 80],
    ['::/0', '192.0.2.1', 80],
    ['example.org:80,443', 'example.org', 81],
  ])('%s does not match %s port %i', (rule, host, port) => {
    expect(matchesDestination(parseDestinationRule(rule), host, port)).toBe(false);
  });

  it.each([
    '',
    ' ',
    ':',
    '*.',
    '**.example.org',
    'a.*.org',
    '*.10.0.0.1',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '127.1',
    '0x7f.1',
    '2001:db8::/129',
    '[10.0.0.1]',
    '[::1',
    'fe80::1%eth0',
    ':0',
    ':65536',
    ':443-1',
    ':1-2-3',
    ':80,',
    ':80,,443',
    '80,0',
    'example.org:',
    'exa mple.org',
    'http://example.org',
    '/udp',
    '53/UDP',
    '53/udp/tcp',
    '53/icmp',
  ])('is refused with a sentence when it is %j', (text) => {
    expect(() => parseDestinationRule(text)).toThrow(/^not a destination rule: "[^\n]*expected a host/);
  });

  it.each(['53/udp', ':53/udp', '*/udp', '10.1.0.0/16:53/udp', '10.1.0.0/16/udp', '*.example.org/udp', '[::1]:53/udp'])(
    'is of UDP alone when it is %s',
    (text) => {
      const host = text.includes('[') ? '::1' : text.includes('org') ? 'www.example.org' : '10.1.2.3';
      const rule = parseDestinationRule(text);
      expect(matchesDestination(rule, host, 53, 'udp')).toBe(true);
      expect(matchesDestination(rule, host, 53)).toBe(false);
      expect(rule.text).toBe(text);
    },
  );

  it('is of both protocols when it names none', () => {
    for (const protocol of ['tcp', 'udp'] as const)
      expect(matchesDestination(parseDestinationRule(':53'), '10.1.2.3', 53, protocol)).toBe(true);
    expect(matchesDestination(parseDestinationRule(':53/tcp'), '10.1.2.3', 53, 'udp')).toBe(false);
  });

  it('keeps its text for messages', () => {
    expect(parseDestinationRule('*.example.org:443').text).toBe('*.example.org:443');
  });
});
