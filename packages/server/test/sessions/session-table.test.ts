import { expect, test } from 'vitest';
import { Dice } from 'wsproxy-test-support/dice';
import { SessionTable, type TableEntry } from '../../src/sessions/session-table.js';
import type { User } from '../../src/users/user.js';

const alice: User = { id: 'alice' };
const bob: User = { id: 'bob' };

const entry = (id: string, user = alice): TableEntry => ({ id, user, awaySince: undefined });

test('a session is found by its id and by its user until it is over', () => {
  const table = new SessionTable<TableEntry>();
  const [one, two, other] = [entry('one'), entry('two'), entry('other', bob)];
  for (const each of [one, two, other]) table.add(each);
  expect([table.get('two'), table.of('alice'), [...table]]).toEqual([two, [one, two], [one, two, other]]);
  table.remove(one);
  table.remove(other);
  expect([table.get('one'), table.of('alice'), table.of('bob'), [...table]]).toEqual([undefined, [two], [], [two]]);
});

test('one that is detached twice, attached twice or removed twice counts once', () => {
  const table = new SessionTable<TableEntry>();
  const [one, two] = [entry('one'), entry('two')];
  table.add(one);
  table.add(two);
  table.detach(one, 5);
  table.detach(one, 7);
  expect([one.awaySince, table.attached, table.attachedOf('alice')]).toEqual([7, 1, 1]);
  table.attach(one);
  table.attach(one);
  expect([one.awaySince, table.attached, table.attachedOf('alice')]).toEqual([undefined, 2, 2]);
  table.remove(one);
  table.remove(one);
  expect([table.size, table.attached, table.attachedOf('alice')]).toEqual([1, 1, 1]);
});

test('the counts are those of looking through all of them, no matter what happens in which order', () => {
  const dice = new Dice('session table');
  const table = new SessionTable<TableEntry>();
  const all = new Set<TableEntry>();
  const users = [alice, bob, { id: 'carol' }];
  for (let step = 0; step < 1_000; step++) {
    const chosen = [...all][dice.between(0, all.size - 1)];
    const what = dice.between(0, 9);
    if (what < 4 || chosen === undefined) {
      const one = entry(String(step), users[dice.between(0, 2)]);
      all.add(one);
      table.add(one);
    } else if (what < 6) table.detach(chosen, step);
    else if (what < 8) table.attach(chosen);
    else {
      all.delete(chosen);
      table.remove(chosen);
    }
    const attached = [...all].filter(({ awaySince }) => awaySince === undefined);
    expect([table.size, table.attached]).toEqual([all.size, attached.length]);
    for (const { id } of users) {
      const theirs = (list: Iterable<TableEntry>) => [...list].filter(({ user }) => user.id === id);
      expect([table.sizeOf(id), table.attachedOf(id)]).toEqual([theirs(all).length, theirs(attached).length]);
      expect(table.of(id)).toEqual(theirs(all));
    }
  }
});
