import { expect, test } from 'vitest';
import { type Channel, type Flow, type FlowTunnel, parseAuthority, type Tunnel } from 'wsproxy-engine';
import { parseDestinationRule } from 'wsproxy-node/targets';
import { FakeFlows } from 'wsproxy-test-support/fake-flows';
import { Bypass } from '../../src/tunnel/bypass.js';

const HANDLER = { onOpen() {}, onFail() {} };
const NO_CHANNELS: Tunnel = {
  open() {
    throw new Error('no channel is asked for');
  },
};

function open(flows: FakeFlows): FlowTunnel['openFlow'] {
  return (target, handler) => flows.openFlow(target, handler);
}

/** Which way a channel or a flow to a target goes. */
function wayOf(rules: readonly string[], authority: string, method: 'open' | 'openFlow' = 'open'): string {
  const target = parseAuthority(authority);
  if (target === undefined) throw new Error(`no target: ${authority}`);
  let way = 'none';
  const record = (name: string): Tunnel & FlowTunnel => ({
    open() {
      way = name;
      return {} as Channel;
    },
    openFlow() {
      way = `${name} flow`;
      return {} as Flow;
    },
  });
  new Bypass(rules.map(parseDestinationRule), record('tunnel'), record('direct'))[method](target, {
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

test.each([
  ['10.0.0.0/8', '10.1.2.3:53', 'direct', 'direct flow'],
  ['10.0.0.0/8:53/udp', '10.1.2.3:53', 'tunnel', 'direct flow'],
  ['10.0.0.0/8/tcp', '10.1.2.3:53', 'direct', 'tunnel flow'],
  ['10.0.0.0/8', 'example.org:53', 'tunnel', 'tunnel flow'],
])('%s sends a channel to %s by %s, and a flow by %s', (rule, authority, ofChannel, ofFlow) => {
  expect(wayOf([rule], authority)).toBe(ofChannel);
  expect(wayOf([rule], authority, 'openFlow')).toBe(ofFlow);
});

test('of a flow for any peer each datagram is judged; without rules it is one of the tunnel', () => {
  const [tunnel, direct] = [new FakeFlows(), new FakeFlows()];
  const ways = (rules: readonly string[]): Bypass =>
    new Bypass(
      rules.map(parseDestinationRule),
      { ...NO_CHANNELS, openFlow: open(tunnel) },
      { ...NO_CHANNELS, openFlow: open(direct) },
    );
  const flow = ways(['10.0.0.0/8:53/udp']).openFlow(undefined, HANDLER);
  flow.send(Buffer.from('a'), { host: '10.0.0.1', port: 53 });
  flow.send(Buffer.from('b'), { host: '10.0.0.1', port: 54 });
  flow.send(Buffer.from('c'), { host: 'example.org', port: 53 });
  expect(direct.flows.map(({ sent }) => sent)).toEqual([['a to 10.0.0.1 53']]);
  expect(tunnel.flows.map(({ sent }) => sent)).toEqual([['b to 10.0.0.1 54', 'c to example.org 53']]);
  expect(ways([]).openFlow(undefined, HANDLER)).toBe(tunnel.last);
});
