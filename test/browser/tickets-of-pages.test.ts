import { createHash } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { systemClock } from 'wsproxy-engine';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startChromium } from 'wsproxy-test-support/programs/chromium';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { dial, inPage, openClient, startPage, startPages, startTicketServer } from './page.js';

const OTHER_TOKEN = 'another-token-of-forty-three-characters-abc';
const USERS = [
  { id: 'alice', tokenSha256: digestOf(TOKEN) },
  { id: 'bob', tokenSha256: digestOf(OTHER_TOKEN) },
];

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

describe('a ticket in a page', () => {
  skipUnlessInstalled('chromium');

  test('opens one WebSocket, and nothing in a URL, from another page, or a second time', async () => {
    const { page, server, relay, origin } = await startPage();
    const url = `ws://127.0.0.1:${relay.port}/`;
    const newTicket = async () => (await server.createTicket({ id: 'default' }, { origin })).ticket;
    const shown = (ticket: string) => ['wsproxy.v1', `ticket.${ticket}`];
    const ticket = await newTicket();
    expect(await dial(page, url, shown(ticket))).toBe('open');
    expect(await dial(page, url, shown(ticket))).toBe('refused');
    expect(await dial(page, `${url}?ticket=${await newTicket()}`, ['wsproxy.v1'])).toBe('refused');
    const hostile = await page.context().newPage();
    await hostile.goto(await startPages());
    expect(await dial(hostile, url, shown(await newTicket()))).toBe('refused');
  });

  test('is refused late, and one that was made meanwhile is not', async () => {
    const { page, server, relay, origin } = await startPage();
    const dialWith = ({ ticket }: { ticket: string }) =>
      dial(page, `ws://127.0.0.1:${relay.port}/`, ['wsproxy.v1', `ticket.${ticket}`]);
    const create = () => server.createTicket({ id: 'default' }, { origin });
    const late = await create();
    const clock = vi.spyOn(systemClock, 'now').mockImplementation(() => performance.now() + late.expiresInMs);
    atEnd(() => clock.mockRestore());
    expect([await dialWith(await create()), await dialWith(late)]).toEqual(['open', 'refused']);
  });

  test('of another user does not go on with a session', async () => {
    const origin = await startPages();
    const { server, port } = await startTicketServer([origin], { users: USERS });
    const relay = await new CuttingRelay(port).start();
    const { port: echo } = await startEcho();
    const page = await (await startChromium()).newPage();
    await page.goto(origin);
    await page.evaluate(
      ([at, tokens]) => {
        const { createClient, ticketFrom } = globalThis.wsproxy;
        const headers = () => ({ Authorization: `Bearer ${tokens.shift()}` });
        globalThis.client = createClient({
          url: `ws://${at}/`,
          ticket: ticketFrom(`http://${at}/ticket`, { headers }),
        });
      },
      [`127.0.0.1:${relay.port}`, [TOKEN, ...Array(9).fill(OTHER_TOKEN)] as string[]] as const,
    );
    await inPage(page, 'begin', echo);
    expect(await inPage(page, 'talk', 'before')).toBe('before');
    relay.cut('reset');
    await expect(inPage(page, 'talk', 'after')).rejects.toThrow(/session/);
    expect(server.channelCount).toBeLessThanOrEqual(1);
  });

  test('is not to be had any more when the user is not let in: the client is gone, and says why', async () => {
    const { page, server, relay } = await startPage({ users: USERS.slice(0, 1) });
    const { port } = await startEcho();
    await inPage(page, 'begin', port);
    await inPage(page, 'talk', 'before');
    server.setUsers(USERS.slice(1));
    relay.cut('reset');
    await expect(inPage(page, 'talk', 'after')).rejects.toThrow();
    expect(await page.evaluate(() => globalThis.client.status)).toMatchObject({
      state: 'gone',
      reason: `there is no ticket: http://127.0.0.1:${relay.port}/ticket answers 401, to a wrong token or login, or to none`,
      connections: 0,
    });
  });
});

describe('a page without a ticket', () => {
  skipUnlessInstalled('chromium');

  test('says what the server may lack, and as cause of the connection that fails why it is gone', async () => {
    const { page, relay } = await startPage();
    const stranger = await page.context().newPage();
    const origin = await startPages();
    await openClient(stranger, origin, relay.port);
    void inPage(stranger, 'ask', 9, 'hello').catch(() => {});
    await expect
      .poll(() => stranger.evaluate(() => globalThis.client.status.reason))
      .toBe(
        `there is no ticket: no answer of http://127.0.0.1:${relay.port}/ticket (Failed to fetch); ` +
          `if the server is there, it needs this path in --tickets, and ${origin} in --allow-origin`,
      );
    await openClient(page, new URL(page.url()).origin, relay.port, OTHER_TOKEN);
    const cause = page.evaluate(() =>
      globalThis.client.connect({ host: '127.0.0.1', port: 9 }).opened.catch(({ cause }) => ({
        ...{ name: cause.name, code: cause.code, permanent: cause.permanent },
      })),
    );
    expect(await cause).toEqual({ name: 'ConnectError', code: 'TOKEN_REFUSED', permanent: true });
  });
});

describe('a hostile page on another origin', () => {
  skipUnlessInstalled('chromium');

  test('gets no ticket, though it has the token, and reaches nothing', async () => {
    const { page, relay } = await startPage();
    const hostile = await page.context().newPage();
    await openClient(hostile, await startPages(), relay.port);
    const said = await hostile.evaluate(async (at) => {
      const ask = (init: RequestInit) =>
        fetch(`http://${at}/ticket`, { method: 'POST', ...init }).then(
          async (answer) => `${answer.type} ${answer.status} ${await answer.text()}`,
          () => 'nothing',
        );
      return [await ask({ headers: { 'Wsproxy-Ticket': '1' } }), await ask({ mode: 'no-cors' }), await ask({})];
    }, `127.0.0.1:${relay.port}`);
    expect(said).toEqual(['nothing', 'opaque 0 ', 'nothing']);
    await expect(inPage(hostile, 'ask', 9, 'let me in')).rejects.toThrow();
  });
});
