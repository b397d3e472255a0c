import { expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { TICKET_TIME, TICKETS, TICKETS_PER_USER } from '../../src/store/store.js';
import { TicketMemory } from '../../src/store/ticket-memory.js';

const USERS = TICKETS / TICKETS_PER_USER;

/** One that is full of tickets, which nobody spends. */
async function fill(): Promise<{ tickets: TicketMemory; clock: FakeClock }> {
  const clock = new FakeClock();
  const tickets = new TicketMemory(clock);
  for (let i = 0; i < TICKETS; i++) {
    const isKept = await tickets.addTicket({ digest: `d${i}`, user: `u${i % USERS}`, value: String(i) });
    if (!isKept) throw new Error(`there is no room for ticket ${i}`);
  }
  return { tickets, clock };
}

test('ten thousand that nobody spends keep others out until they are over, and no longer', async () => {
  const { tickets, clock } = await fill();
  const one = { digest: 'one', user: 'another', value: 'x' };
  expect(await tickets.addTicket(one)).toBe(false);
  clock.advance(TICKET_TIME - 1);
  expect(await tickets.addTicket(one)).toBe(false);
  clock.advance(1);
  expect(await tickets.addTicket(one)).toBe(true);
  expect(await tickets.spendTicket('d7')).toBeUndefined();
});

test('one that is spent makes room for another one', async () => {
  const { tickets } = await fill();
  expect(await tickets.spendTicket('d7')).toBe('7');
  expect(await tickets.addTicket({ digest: 'd7', user: 'u7', value: 'x' })).toBe(true);
});
