import { expect, test } from 'vitest';
import { writtenAnew } from '../../src/cluster/written-anew.js';

const ROUTE = { node: 'ams', uid: '0123456789ab' };

test('of a request that is handed on nothing is left but what the upgrade needs, and that it resumes', () => {
  const rawHeaders = [
    ...[
      'Host',
      'tunnel.example.org',
      'Authorization',
      'Bearer secret',
      'Cookie',
      'a=b',
      'Connection',
      'Upgrade, X-Hop',
    ],
    ...['X-Hop', '1', 'X-Forwarded-For', '192.0.2.1', 'Content-Length', '0', 'Wsproxy-Handed', '1; user="forged"'],
    ...[
      'Wsproxy-Route',
      'lon.fedcba987654',
      'Upgrade',
      'websocket',
      'SEC-WebSocket-Key',
      'k',
      'Sec-WebSocket-Version',
      '13',
    ],
    ...[
      'Sec-WebSocket-Protocol',
      `wsproxy.v1, ticket.${'x'.repeat(43)}`,
      'Origin',
      'https://example.org',
      'Wsproxy-Resume',
      '1',
    ],
  ];
  expect(writtenAnew({ rawHeaders }, ROUTE, '1; judged').toString().split('\r\n')).toEqual([
    'GET / HTTP/1.1',
    'Host: wsproxy',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Protocol: wsproxy.v1',
    'SEC-WebSocket-Key: k',
    'Sec-WebSocket-Version: 13',
    'Wsproxy-Resume: 1',
    'Wsproxy-Route: ams.0123456789ab',
    'Wsproxy-Handed: 1; judged',
    '',
    '',
  ]);
});
