import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { TunnelError } from 'wsproxy-engine';
import { createDial, type DialOptions } from '../../src/dial/dial.js';
import { type EgressOptions, mistakesInEgress } from '../../src/dial/egress.js';

const rules = { check: (address: string) => (address === '10.0.0.1' ? 'denied:private' : undefined) };
const { signal } = new AbortController();

async function outcomeOf(options: Partial<DialOptions>, ...addresses: string[]) {
  const tried: string[] = [];
  const connect = (address: string, _port: number, localAddress?: string) => {
    tried.push(localAddress === undefined ? address : `${address} from ${localAddress}`);
    const socket = new Socket();
    process.nextTick(() => socket.emit('connect'));
    return socket;
  };
  const upstream =
    options.upstream &&
    ((...args: Parameters<NonNullable<DialOptions['upstream']>>) => {
      tried.push(`${args[0]} by proxy`);
      return options.upstream?.(...args) ?? Promise.reject(new Error());
    });
  const resolver = { resolve: async () => addresses };
  const dial = createDial({ resolver, connect, ...options, ...(upstream && { upstream }) });
  const outcome = await dial({ target: { host: 'example.org', port: 80 }, user: { id: 'alice' }, rules, signal }).then(
    ({ address }) => address,
    (error: TunnelError) => error.code,
  );
  return { outcome, tried };
}

const refusing = (code: 'HOST_UNREACHABLE' | 'INTERNAL') => async (address: string) => {
  if (address === '192.0.2.2') return new Socket();
  throw new TunnelError(code);
};

describe('egress', () => {
  test('dials the preferred family first', async () => {
    expect((await outcomeOf({ prefer: 'ipv4' }, '2001:db8::1', '192.0.2.1')).tried).toEqual(['192.0.2.1']);
    expect((await outcomeOf({ prefer: 'ipv6' }, '192.0.2.1', '2001:db8::1')).tried).toEqual(['2001:db8::1']);
    expect((await outcomeOf({}, '192.0.2.1', '2001:db8::1')).tried).toEqual(['192.0.2.1']);
  });

  test('dials from the address of the family, and not where there is none', async () => {
    const bindAddresses = ['192.0.2.9'];
    expect(await outcomeOf({ bindAddresses }, '2001:db8::1', '192.0.2.1')).toEqual({
      outcome: '192.0.2.1',
      tried: ['192.0.2.1 from 192.0.2.9'],
    });
    expect(await outcomeOf({ bindAddresses }, '2001:db8::1')).toEqual({ outcome: 'NETWORK_UNREACHABLE', tried: [] });
  });

  test('gives a proxy addresses that were judged, one after the other', async () => {
    const upstream = refusing('HOST_UNREACHABLE');
    expect(await outcomeOf({ upstream }, '10.0.0.1', '192.0.2.1', '192.0.2.2')).toEqual({
      outcome: '192.0.2.2',
      tried: ['192.0.2.1 by proxy', '192.0.2.2 by proxy'],
    });
    expect(await outcomeOf({ upstream }, '10.0.0.1')).toEqual({ outcome: 'DENIED', tried: [] });
  });

  test('gives up when the proxy itself is of no use', async () => {
    expect(await outcomeOf({ upstream: refusing('INTERNAL') }, '192.0.2.1', '192.0.2.2')).toEqual({
      outcome: 'INTERNAL',
      tried: ['192.0.2.1 by proxy'],
    });
  });
});

describe('mistakes', () => {
  test.each<[EgressOptions, keyof EgressOptions, string]>([
    [{ upstream: 'ftp://proxy' }, 'upstream', 'cannot begin with ftp://'],
    [{ bindAddresses: ['eth0'] }, 'bindAddresses', 'not an IP address: "eth0"'],
    [{ bindAddresses: ['192.0.2.1', '192.0.2.2'] }, 'bindAddresses', 'at most one IPv4 and one IPv6 address'],
    [{ bindAddresses: ['192.0.2.1'], upstream: 'socks5://proxy' }, 'bindAddresses', 'cannot be combined'],
    [{ nameservers: ['dns.example.org'] }, 'nameservers', 'not a nameserver: "dns.example.org"; expected'],
    [{ nameservers: ['192.0.2.53:0'] }, 'nameservers', 'not a nameserver'],
    [{ nameservers: ['fe80::1%eth0'] }, 'nameservers', 'not a nameserver'],
  ])('in %j are told', (options, key, problem) => {
    expect(mistakesInEgress(options)).toEqual([{ key, problem: expect.stringContaining(problem) }]);
  });

  test('are none where nothing is wrong', () => {
    const nameservers = ['192.0.2.53', '192.0.2.53:5353', '2001:db8::53', '[2001:db8::53]:53'];
    expect(mistakesInEgress({ nameservers, bindAddresses: ['192.0.2.1', '2001:db8::1'], prefer: 'ipv4' })).toEqual([]);
    expect(mistakesInEgress({ upstream: 'socks5://user:password@proxy.example:1080' })).toEqual([]);
  });
});
