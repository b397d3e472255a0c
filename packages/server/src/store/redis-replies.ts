import { type Facts, StoreError } from './store.js';

/*
 * What the scripts have answered. Anyone who may write into the store, or stands in its place, may answer anything: what makes no sense
 * is as none.
 */

/** @throws StoreError for another answer than yes or no */
export function readYes(reply: unknown): boolean {
  if (reply !== 0 && reply !== 1) throw senseless();
  return reply === 1;
}

/** @throws StoreError for anything but a text */
export function readText(reply: unknown): string {
  return textIn(reply);
}

/** @throws StoreError for anything but so many numbers from 0 on */
export function readCounts(reply: unknown, count: number): number[] {
  const counts = listIn(reply).map(String);
  if (counts.length !== count || !counts.every((each) => /^\d{1,16}$/.test(each))) throw senseless();
  return counts.map(Number);
}

/**
 * Without the revocations that `self` has told.
 * @throws StoreError for what are none
 */
export function readFacts(reply: unknown, self: string): Facts {
  const [processes, revocations, ...numbers] = listIn(reply);
  const [mark = 0, lost = 0] = readCounts(numbers, 2);
  const told = listIn(revocations).map((member) => {
    const [token = '', user = '', teller] = textIn(member).split(':');
    return { token, user, teller };
  });
  return {
    processes: listIn(processes).map((process) => {
      const [uid, node, address] = listIn(process).map(textIn);
      if (uid === undefined || node === undefined || address === undefined) throw senseless();
      return { uid, node, address };
    }),
    revocations: told.filter(({ teller }) => teller !== self).map(({ token, user }) => ({ token, user })),
    mark,
    lost,
  };
}

/** @throws StoreError for anything but so many lists of texts */
export function readTexts(reply: unknown, count: number): string[][] {
  const lists = listIn(reply).map((list) => listIn(list).map(textIn));
  if (lists.length !== count) throw senseless();
  return lists;
}

function listIn(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw senseless();
  return value;
}

function textIn(value: unknown): string {
  if (typeof value !== 'string') throw senseless();
  return value;
}

function senseless(): StoreError {
  return new StoreError('away', 'an answer of the store that makes no sense');
}
