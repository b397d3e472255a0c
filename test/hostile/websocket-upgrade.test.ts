import { expect, test } from 'vitest';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { requestUpgrade, type UpgradeFields } from 'wsproxy-test-support/wire/raw-websocket';
import { startBystander } from './bystander.js';

const WRONG = 'x'.repeat(TOKEN.length);

const cases: { title: string; fields?: UpgradeFields; requestLine?: string; status: number }[] = [
  { title: 'E1 a request without Upgrade', fields: { Upgrade: undefined, Connection: undefined }, status: 426 },
  { title: 'E1 the same without a token', fields: { Upgrade: undefined, Authorization: undefined }, status: 401 },
  { title: 'E2 an upgrade by POST', requestLine: 'POST / HTTP/1.1', status: 405 },
  { title: 'E2 WebSocket version 12', fields: { 'Sec-WebSocket-Version': '12' }, status: 400 },
  { title: 'E2 no key', fields: { 'Sec-WebSocket-Key': undefined }, status: 400 },
  { title: 'E3 no subprotocol', fields: { 'Sec-WebSocket-Protocol': undefined }, status: 400 },
  { title: 'E3 only unknown subprotocols', fields: { 'Sec-WebSocket-Protocol': 'chat, wsproxy.v0' }, status: 400 },
  { title: 'E4 no token', fields: { Authorization: undefined }, status: 401 },
  { title: 'E4 a wrong token', fields: { Authorization: `Bearer ${WRONG}` }, status: 401 },
  {
    title: 'E4 a token that is a prefix of the right one',
    fields: { Authorization: `Bearer ${TOKEN.slice(0, -1)}` },
    status: 401,
  },
  { title: 'E4 the right token by the wrong scheme', fields: { Authorization: `Basic ${TOKEN}` }, status: 401 },
  {
    title: 'G8 the token in the query',
    fields: { Authorization: undefined },
    requestLine: `GET /?token=${TOKEN} HTTP/1.1`,
    status: 401,
  },
  { title: 'D8 an upgrade from a web page', fields: { Origin: 'https://example.com' }, status: 403 },
  { title: 'E4 another path', requestLine: 'GET /other HTTP/1.1', status: 404 },
];

for (const { title, fields = {}, requestLine, status } of cases) {
  test(`${title} is answered ${status}`, async () => {
    const { port, expectUnharmed } = await startBystander();
    const answer = await requestUpgrade(port, fields, requestLine);
    answer.socket.destroy();
    expect(answer.status).toBe(status);
    expect(answer.head).not.toMatch(/server:|x-powered-by:/i);
    await expectUnharmed();
  });
}

test('E4 the answer to every missing or wrong token is the same, byte for byte', async () => {
  const { port, expectUnharmed } = await startBystander();
  const answers = await Promise.all(
    [undefined, '', 'Bearer', `Bearer ${WRONG}`, `Bearer ${TOKEN}x`, `Basic ${TOKEN}`].map(async (Authorization) => {
      const { head, socket } = await requestUpgrade(port, { Authorization });
      socket.destroy();
      return head;
    }),
  );
  expect(new Set(answers).size).toBe(1);
  await expectUnharmed();
});

test('E18 compression is offered in vain', async () => {
  const { port, expectUnharmed } = await startBystander();
  const { head, status, socket } = await requestUpgrade(port, { 'Sec-WebSocket-Extensions': 'permessage-deflate' });
  socket.destroy();
  expect(status).toBe(101);
  expect(head).not.toMatch(/sec-websocket-extensions/i);
  await expectUnharmed();
});
