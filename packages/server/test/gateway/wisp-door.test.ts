import { expect, test } from 'vitest';
import type { WispVisit } from '../../src/gateway/wisp-door.js';
import { type Fixture, startGateway, statusOf, upgrade, upgradeRaw } from './gateway-fixture.js';

const TOKEN = 'a-wisp-token-that-is-long-enough-0123456789';

test('of many who come at once no more come in than there is room for', async () => {
  let letIn = (): void => {};
  const gate = new Promise<boolean>((resolve) => {
    letIn = () => resolve(true);
  });
  let asked = 0;
  let visits = 0;
  const accept = (arrival: { socket?: { write(text: string): unknown } }, _visit: WispVisit): void => {
    visits += 1;
    arrival.socket?.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  };
  const fixture: Fixture = await startGateway({}, '/tunnel', {
    hasRoom: () => {
      asked += 1;
      if (asked === 6) letIn();
      return gate;
    },
    isFull: () => visits >= 2,
    wisp: {
      path: '/wisp/',
      authenticate: (token) => (token === TOKEN ? { id: 'ada' } : undefined),
      whyNot: () => ({ reason: 'not authenticated' }),
      welcome: async () => ({ isRight: () => true, accept: accept as never }),
    },
  });
  const request = upgrade({ 'Sec-WebSocket-Protocol': 'wisp-v2' }, `GET /wisp/${TOKEN}/ HTTP/1.1`);
  const answers = await Promise.all(Array.from({ length: 6 }, () => upgradeRaw(fixture.port, request)));
  expect(answers.map(({ head }) => statusOf(head)).sort()).toEqual([101, 101, 429, 429, 429, 429]);
});
