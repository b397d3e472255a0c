import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { effort } from 'wsproxy-test-support/engine/effort';
import { FIREFOX, startFirefox } from 'wsproxy-test-support/programs/firefox';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { cutOften, dial, inPage, joinTunnel, startPages } from './page.js';
import { startPatternPeer } from './pattern-peer.js';

const MIB = 1024 * 1024;
const EACH_WAY = effort('MIB', 32) * MIB;
const KILLS = effort('KILLS', 5);

describe('a page in Firefox', () => {
  skipUnlessInstalled(FIREFOX);

  // Its start takes longer than all the rest.
  test(`comes in by tickets, each once, and carries ${EACH_WAY / MIB} MiB each way while its WebSocket is cut ${KILLS} times`, async () => {
    const { page, server, relay, origin } = await joinTunnel(await startFirefox());
    const { port: echo } = await startEcho();
    expect(await inPage(page, 'ask', echo, 'hello')).toBe('hello');

    const peer = await startPatternPeer(EACH_WAY);
    const cuts = cutOften(relay, KILLS, 2 * EACH_WAY);
    expect(await inPage(page, 'exchange', peer.port, EACH_WAY)).toBe(EACH_WAY);
    expect([await peer.received, cuts()]).toEqual([EACH_WAY, KILLS]);
    const { state, resumes, connections } = await page.evaluate(() => globalThis.client.status, undefined);
    expect([state, resumes >= KILLS, connections]).toEqual(['connected', true, 0]);

    const url = `ws://127.0.0.1:${relay.port}/`;
    const newTicket = async () => (await server.createTicket({ id: 'default' }, { origin })).ticket;
    const shown = (ticket: string) => ['wsproxy.v1', `ticket.${ticket}`];
    const ticket = await newTicket();
    expect(await dial(page, url, shown(ticket))).toBe('open');
    expect(await dial(page, url, shown(ticket))).toBe('refused');
    // A page of another origin.
    await page.goto(await startPages());
    expect(await dial(page, url, shown(await newTicket()))).toBe('refused');
  });
});
