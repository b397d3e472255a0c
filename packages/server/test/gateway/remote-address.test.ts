import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { createRemoteAddressOf } from '../../src/gateway/remote-address.js';

function from(remoteAddress: string | undefined, header?: string): IncomingMessage {
  const headers = header === undefined ? {} : { 'x-forwarded-for': header };
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

describe('the remote address', () => {
  const trusted = ['127.0.0.1', '10.0.0.0/8', '2001:db8::/32'];
  test.each([
    ['that of the connection without the header', '127.0.0.1', undefined, '127.0.0.1'],
    ['that of the connection when a stranger wrote the header', '192.0.2.1', '203.0.113.9', '192.0.2.1'],
    ['the last one that a trusted proxy wrote', '127.0.0.1', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['beyond every trusted proxy', '127.0.0.1', '6.6.6.6, 203.0.113.9, 10.1.2.3, 10.9.9.9', '203.0.113.9'],
    ['the farthest when all are trusted', '127.0.0.1', '10.1.1.1, 10.2.2.2', '10.1.1.1'],
    ['the nearest that is known when the next is nonsense', '127.0.0.1', '203.0.113.9, unknown, 10.2.2.2', '10.2.2.2'],
    ['that of the connection when the header is empty', '127.0.0.1', '', '127.0.0.1'],
    ['written with a port', '127.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    ['IPv6', '2001:db8::1', '2a00::1', '2a00::1'],
    ['IPv6 in brackets with a port', '127.0.0.1', '[2a00::1]:4711', '2a00::1'],
    ['IPv6 in brackets', '127.0.0.1', '[2a00::1]', '2a00::1'],
    ['found behind IPv4 as a dual-stack socket writes it', '::ffff:127.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['IPv4 without what a dual-stack socket adds', '::ffff:192.0.2.1', undefined, '192.0.2.1'],
    ['the same, as a proxy with such a socket writes it', '127.0.0.1', '::FFFF:192.0.2.1', '192.0.2.1'],
    ['not that of a Unix socket unless it is trusted', undefined, '203.0.113.9', undefined],
  ])('is %s', (_, remoteAddress, header, expected) => {
    expect(createRemoteAddressOf(trusted)(from(remoteAddress, header))).toBe(expected);
  });

  test('is that of the connection when no proxy is trusted', () => {
    expect(createRemoteAddressOf([])(from('127.0.0.1', '203.0.113.9'))).toBe('127.0.0.1');
    expect(createRemoteAddressOf([])(from(undefined, '203.0.113.9'))).toBeUndefined();
  });

  test('is what the peer of a trusted Unix socket wrote', () => {
    expect(createRemoteAddressOf(['unix'])(from(undefined, '6.6.6.6, 203.0.113.9'))).toBe('203.0.113.9');
  });

  test.each([
    'example.org',
    '10.0.0.0/33',
    '10.0.0.1:80',
    '10.0.0.0/8:80',
    '10.0.0.0/8/udp',
    '',
    '*',
    'Unix',
    '10.0.0.0/8/8',
  ])('of %j cannot be trusted', (text) => {
    expect(() => createRemoteAddressOf([text])).toThrow(TypeError);
  });
});
