import { expect, test } from 'vitest';
import type { Tunnel } from 'wsproxy-engine';
import { type Channel, parseAuthority } from 'wsproxy-engine';
import { parseDestinationRule } from 'wsproxy-node/targets';
import { Bypass } from '../../src/tunnel/bypass.js';

/** Which way a target goes. */
function wayOf(rules: readonly string[], authority: string): string {
  const target = parseAuthority(authority);
  if (target === undefined) throw new Error(`no target: ${authority}`);
  let way = 'none';
  const record = (name: string): Tunnel => ({
    open() {
      way = name;
      return {} as Channel;
    },
  });
  new Bypass(rules.map(parseDestinationRule), record('tunnel'), record('direct')).open(target, {
    onOpen() {},
    onFail() {},
  });
  return way;
}

test.each([
  ['printer.lan', 'printer.lan:631'],
  ['printer.lan', 'PRINTER.lan.:631'],
  ['*.corp.example', 'a.b.corp.example:443'],
  ['*.corp.example:443,8443', 'a.corp.example:8443'],
  ['10.0.0.0/8', '10.1.2.3:22'],
  ['10.0.0.0/8', '[::ffff:10.1.2.3]:22'],
  ['192.0.2.1:22', '192.0.2.1:22'],
  ['fd00::/8', '[fd12::1]:80'],
  [':22', 'anything.example:22'],
])('%s sends %s past the tunnel', (rule, authority) => {
  expect(wayOf(['nothing.example', rule], authority)).toBe('direct');
});

test.each([
  ['printer.lan', 'a.printer.lan:631'],
  ['*.corp.example', 'corp.example:443'],
  ['*.corp.example:443', 'a.corp.example:80'],
  ['10.0.0.0/8', '11.0.0.1:22'],
  ['192.0.2.1:22', '192.0.2.1:80'],
  ['127.0.0.0/8', 'localhost:80'],
  ['0.0.0.0/0', 'example.org:80'],
])('%s leaves %s to the tunnel, and asks nobody for its address', (rule, authority) => {
  expect(wayOf([rule], authority)).toBe('tunnel');
});

test('without rules everything goes through the tunnel', () => {
  expect(wayOf([], '127.0.0.1:80')).toBe('tunnel');
});
