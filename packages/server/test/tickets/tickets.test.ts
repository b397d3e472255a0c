import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { type KeptTicket, StoreError, TICKET_TIME, type TicketKeeper } from '../../src/store/store.js';
import { TicketMemory } from '../../src/store/ticket-memory.js';
import { Tickets } from '../../src/tickets/tickets.js';
import { UserDirectory, type UserEntry } from '../../src/users/directory.js';

const PAGE = 'https://page.example';
const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');
const ALICE: UserEntry = { id: 'alice', tokenSha256: sha256('of alice') };
const BOB: UserEntry = { id: 'bob', tokenSha256: sha256('of bob') };

/** A keeper as several processes share it, in which anybody may look and write. */
class OpenKeeper implements TicketKeeper {
  readonly kept = new Map<string, KeptTicket>();
  isAway = false;

  async addTicket(ticket: KeptTicket): Promise<boolean> {
    if (this.isAway) throw new StoreError('away', 'away');
    this.kept.set(ticket.digest, ticket);
    return true;
  }

  async spendTicket(digest: string): Promise<string | undefined> {
    if (this.isAway) throw new StoreError('away', 'away');
    const value = this.kept.get(digest)?.value;
    this.kept.delete(digest);
    return value;
  }
}

function begin(users: readonly UserEntry[] = [ALICE, BOB], keeper?: TicketKeeper) {
  const clock = new FakeClock();
  const directory = new UserDirectory(users, () => clock.wallTime());
  const tickets = new Tickets({ directory, allowOrigins: [PAGE], clock, shared: () => keeper });
  return { clock, directory, tickets };
}

function beginWithoutUsers(keeper?: TicketKeeper) {
  const clock = new FakeClock();
  return { clock, tickets: new Tickets({ directory: undefined, allowOrigins: [PAGE], clock, shared: () => keeper }) };
}

describe('a ticket', () => {
  test('lets its user in once, from the page that it was made for', async () => {
    const { tickets, directory } = begin();
    const { ticket, expiresInMs } = await tickets.create({ id: 'alice' }, { origin: PAGE });
    expect([ticket, expiresInMs]).toEqual([expect.stringMatching(/^[\w-]{43}$/), TICKET_TIME]);
    const user = await tickets.spend(ticket, PAGE);
    expect(user?.id).toBe('alice');
    expect(directory.present(user as { id: string })).toBe(user);
    expect(await tickets.spend(ticket, PAGE)).toBeUndefined();
  });

  test.each<[what: string, made: string | undefined, spent: string | undefined]>([
    ['another page', PAGE, 'https://evil.example'],
    ['no page', PAGE, undefined],
    ['a page where it was made for none', undefined, PAGE],
  ])('is worth nothing from %s, and is spent by that', async (_, made, spent) => {
    const { tickets } = begin();
    const { ticket } = await tickets.create({ id: 'alice' }, { origin: made });
    expect(await tickets.spend(ticket, spent)).toBeUndefined();
    expect(await tickets.spend(ticket, made)).toBeUndefined();
  });

  test('is worth nothing when its time is over', async () => {
    const { tickets, clock } = begin();
    const [late, inTime] = [await tickets.create({ id: 'alice' }), await tickets.create({ id: 'alice' })];
    clock.advance(TICKET_TIME - 1);
    expect((await tickets.spend(inTime.ticket))?.id).toBe('alice');
    clock.advance(1);
    expect(await tickets.spend(late.ticket)).toBeUndefined();
  });

  test.each<[what: string, users: readonly UserEntry[]]>([
    ['is removed', [BOB]],
    ['is disabled', [{ ...ALICE, disabled: true }, BOB]],
    ['has another token', [{ ...ALICE, tokenSha256: sha256('another one') }, BOB]],
  ])('is worth nothing once its user %s', async (_, users) => {
    const { tickets, directory } = begin();
    const { ticket } = await tickets.create({ id: 'alice' });
    directory.replace(users);
    expect(await tickets.spend(ticket)).toBeUndefined();
  });

  test('has the rules that its user has when it is spent', async () => {
    const { tickets, directory } = begin();
    const { ticket } = await tickets.create({ id: 'alice' });
    directory.replace([{ ...ALICE, limits: { sessions: 3 } }]);
    expect((await tickets.spend(ticket))?.limits).toEqual({ sessions: 3 });
  });

  test('goes by that token of its user which lasts longest', async () => {
    const expires = new Date(1_000);
    const tokens = [{ sha256: sha256('short'), expires }, { sha256: sha256('long') }];
    const { tickets } = begin([{ id: 'alice', tokens }]);
    const { ticket } = await tickets.create({ id: 'alice' });
    expect((await tickets.spend(ticket))?.tokenLabel).toBe('#2');
  });

  test.each<[what: string, set: number]>([
    ['at once', 0],
    ['and the clock was set back meanwhile', -3_600_000],
    ['and the clock was set forth meanwhile', 3_600_000],
  ])('of before all sessions of its user have ended is worth nothing, and one of afterwards is: %s', async (_, set) => {
    const { tickets, clock } = begin();
    const [before, other] = [await tickets.create({ id: 'alice' }), await tickets.create({ id: 'bob' })];
    clock.wallOffset += set;
    tickets.endThoseOf('alice');
    const after = await tickets.create({ id: 'alice' });
    expect(await tickets.spend(before.ticket)).toBeUndefined();
    expect((await tickets.spend(after.ticket))?.id).toBe('alice');
    expect((await tickets.spend(other.ticket))?.id).toBe('bob');
  });

  test('brings the user that authenticate has made, until that expires', async () => {
    const { tickets, clock } = beginWithoutUsers();
    const user = { id: 'carol', limits: { channels: 5 }, tokenExpires: new Date(10_000) };
    const [first, second] = [await tickets.create(user), await tickets.create(user)];
    expect(await tickets.spend(first.ticket)).toEqual(user);
    clock.advance(20_000);
    expect(await tickets.spend(second.ticket)).toBeUndefined();
  });
});

describe('no ticket is made', () => {
  test('for somebody who may not come in, or a page that is not allowed', async () => {
    const { tickets } = begin([ALICE, { ...BOB, disabled: true }]);
    for (const id of ['bob', 'eve'])
      await expect(tickets.create({ id })).rejects.toMatchObject({ code: 'UNKNOWN_USER' });
    const foreign = tickets.create({ id: 'alice' }, { origin: 'https://evil.example' });
    await expect(foreign).rejects.toMatchObject({ code: 'FOREIGN_ORIGIN' });
  });

  test('for a user of whom a hundred are open', async () => {
    const { tickets } = begin();
    const made = await Promise.all(Array.from({ length: 100 }, () => tickets.create({ id: 'alice' })));
    await expect(tickets.create({ id: 'alice' })).rejects.toMatchObject({ code: 'TOO_MANY_TICKETS' });
    expect((await tickets.create({ id: 'bob' })).ticket).toHaveLength(43);
    await tickets.spend(made[0]?.ticket ?? '');
    expect((await tickets.create({ id: 'alice' })).ticket).toHaveLength(43);
  });

  test.each([9_000, 50_000])('for a user of %d characters', async (length) => {
    const { tickets } = beginWithoutUsers();
    const user = { id: 'carol', policy: { allow: ['x'.repeat(length)] } };
    await expect(tickets.create(user)).rejects.toMatchObject({ code: 'USER_TOO_LARGE' });
  });

  test('and none is spent while the store is away', async () => {
    const keeper = new OpenKeeper();
    const { tickets } = begin([ALICE], keeper);
    const { ticket } = await tickets.create({ id: 'alice' });
    keeper.isAway = true;
    await expect(tickets.create({ id: 'alice' })).rejects.toMatchObject({ code: 'STORE_AWAY' });
    await expect(tickets.spend(ticket)).rejects.toMatchObject({ name: 'StoreError' });
  });
});

describe('anyone who writes into the store', () => {
  test('sees neither tickets nor digests of tokens', async () => {
    const keeper = new OpenKeeper();
    const { tickets } = begin([ALICE], keeper);
    const { ticket } = await tickets.create({ id: 'alice' });
    const text = JSON.stringify([...keeper.kept]);
    expect([text.includes(ticket), text.includes(ALICE.tokenSha256 ?? '')]).toEqual([false, false]);
  });

  test.each<[what: string, forge: (kept: KeptTicket, other: KeptTicket) => string]>([
    ['the digest of a ticket of their own', ({ value }) => value],
    [
      'another user',
      ({ value }, other) => JSON.stringify({ ...JSON.parse(value), handed: JSON.parse(other.value).handed }),
    ],
    ['another page', ({ value }) => JSON.stringify({ ...JSON.parse(value), origin: PAGE })],
    ['no seal', ({ value }) => JSON.stringify({ ...JSON.parse(value), seal: '' })],
    ['what is no JSON', () => 'nonsense'],
    ['what is no ticket', () => '{"handed":5}'],
  ])('makes no ticket of one that is there by %s', async (_, forge) => {
    const keeper = new OpenKeeper();
    const { tickets } = begin([ALICE, BOB], keeper);
    await tickets.create({ id: 'alice' });
    await tickets.create({ id: 'bob' });
    const [alices, bobs] = [...keeper.kept.values()];
    if (alices === undefined || bobs === undefined) throw new Error('there are two');
    const own = 'x'.repeat(43);
    const digest = sha256(own);
    keeper.kept.set(digest, { ...alices, digest, value: forge(alices, bobs) });
    expect([await tickets.spend(own), await tickets.spend(own, PAGE)]).toEqual([undefined, undefined]);
  });

  test('changes no page of one that is there', async () => {
    const keeper = new OpenKeeper();
    const { tickets } = begin([ALICE], keeper);
    const { ticket } = await tickets.create({ id: 'alice' });
    const [kept] = [...keeper.kept.values()];
    if (kept === undefined) throw new Error('there is one');
    keeper.kept.set(kept.digest, { ...kept, value: JSON.stringify({ ...JSON.parse(kept.value), origin: PAGE }) });
    expect(await tickets.spend(ticket, PAGE)).toBeUndefined();
  });
});

test('a ticket of another process is compared with the end of all sessions by the clocks, for a minute', async () => {
  const keeper = new TicketMemory(new FakeClock());
  const [one, other] = [begin([ALICE], keeper), begin([ALICE], keeper)];
  const create = async (): Promise<string> => (await one.tickets.create({ id: 'alice' })).ticket;
  other.tickets.endThoseOf('alice');
  const before = await create();
  one.clock.advance(1);
  const after = await create();
  expect(await other.tickets.spend(before)).toBeUndefined();
  expect((await other.tickets.spend(after))?.id).toBe('alice');
  one.clock.wallOffset -= 3_600_000;
  const byClockSetBack = await create();
  expect(await other.tickets.spend(byClockSetBack)).toBeUndefined();
  const later = await create();
  other.clock.advance(2 * TICKET_TIME);
  expect((await other.tickets.spend(later))?.id).toBe('alice');
});

test("two processes that share a keeper spend each other's tickets", async () => {
  const keeper = new TicketMemory(new FakeClock());
  const [one, other] = [begin([ALICE], keeper), begin([ALICE], keeper)];
  const { ticket } = await one.tickets.create({ id: 'alice' });
  const spent = await Promise.all([one, other].map(({ tickets }) => tickets.spend(ticket)));
  expect(spent.map((user) => user?.id).sort()).toEqual(['alice', undefined]);
});
