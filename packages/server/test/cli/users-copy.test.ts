import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ExitCode } from 'wsproxy-cli';
import { FakeClock } from 'wsproxy-engine/testing';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { HEAD, UsersCopy } from '../../src/cli/users-copy.js';
import { readUsers } from '../../src/cli/users-file.js';
import { StoreError } from '../../src/store/store.js';
import { digestOf, type StoredUsers, type UsersRead } from '../../src/store/stored-users.js';

const user = (id: string, digit: string): string => `- { id: ${id}, token: "sha256:${digit.repeat(64)}" }\n`;
const [ALICE, BOB] = [user('alice', '1'), user('bob', '2')];
const NOT_USED = 'users of the store not used, those of before stay';

/** The store, as a test has it. */
class FakeStore implements StoredUsers {
  text: string | undefined;
  digest: string | undefined;
  isAway = false;
  looks = 0;
  onNews: () => void = () => {};

  async read(maxBytes: number, known?: string): Promise<UsersRead> {
    this.looks += 1;
    if (this.isAway) throw new StoreError('away', 'no connection to the store');
    const { text } = this;
    if (text === undefined) return { state: 'missing' };
    const digest = this.digest ?? digestOf(text);
    if (digest === known) return { state: 'known' };
    return text.length > maxBytes ? { state: 'too large', digest } : { state: 'there', digest, text };
  }

  async put(text: string): Promise<void> {
    this.text = text;
  }

  watch(onNews: () => void): void {
    this.onNews = onNews;
  }

  close(): void {}
}

let [clock, store, path] = [new FakeClock(), new FakeStore(), ''];
let lines: [message: string, fields: object][];
beforeEach(() => {
  [clock, store, path] = [new FakeClock(), new FakeStore(), join(temporaryFolder(), 'users.yaml')];
  lines = [];
});

function newCopy(): UsersCopy {
  const log = (fields: object, message: string): void => void lines.push([message, fields]);
  const logger = { debug: log, info: log, warn: log, error: log };
  return new UsersCopy({ users: store, path, clock, logger });
}

async function begin(): Promise<UsersCopy> {
  const copy = newCopy();
  await copy.begin();
  return copy;
}

/** Lets it look once more, and what comes of that be done. */
async function look(): Promise<void> {
  const { looks } = store;
  clock.advance(2_000);
  // The timer of the next look is set when the last one is over.
  await until('it has looked', () => store.looks > looks && clock.pending === 1);
}

const ids = (): string[] => readUsers(path).map(({ id }) => id);
const messages = (): string[] => lines.map(([message]) => message);

describe('the copy of the users in the store', () => {
  test('is there as soon as it has begun, and only its owner may read it', async () => {
    store.text = ALICE;
    await begin();
    expect(ids()).toEqual(['alice']);
    expect(readFileSync(path, 'utf8')).toBe(HEAD + ALICE);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(lines).toEqual([['users copied from the store', { file: path, users: 1 }]]);
  });

  test('follows the store within two seconds, and at once with news', async () => {
    store.text = ALICE;
    await begin();
    store.text = ALICE + BOB;
    await look();
    expect(ids()).toEqual(['alice', 'bob']);
    store.text = BOB;
    store.onNews();
    await until('it is copied', () => messages().length === 3);
    expect(ids()).toEqual(['bob']);
  });

  test('is not written when nothing has changed, neither by a look nor by a new start', async () => {
    store.text = ALICE;
    const copy = await begin();
    const { ino } = statSync(path);
    await look();
    copy.close();
    await begin();
    expect(statSync(path).ino).toBe(ino);
    expect(messages()).toEqual(['users copied from the store']);
  });

  test.each<[what: string, text: string, mistake: RegExp]>([
    ['with a mistake', `${ALICE}- { id: bob }\n`, /^store:2: a user needs token/],
    ['with nobody', '[]', /^store:1: expected a list with at least one user/],
    [
      'with two tokens of one label',
      '- { id: a, tokens: [{ token: "sha256:1", label: x }] }',
      /^store:1: token: expected/,
    ],
    ['that is too large', '#'.repeat(4_194_305), /^they have more than \d+ bytes/],
  ])('stays as it is when the store has a document %s, which is told once', async (_, text, mistake) => {
    store.text = ALICE;
    await begin();
    store.text = text;
    for (let i = 0; i < 40; i++) await look();
    expect(ids()).toEqual(['alice']);
    const expected = { file: path, mistakes: [expect.stringMatching(mistake)] };
    expect(lines.slice(1)).toEqual([[NOT_USED, expected]]);
    store.text = BOB;
    await look();
    expect(ids()).toEqual(['bob']);
  });

  test('stays as it is when something else has written the document', async () => {
    store.text = ALICE;
    await begin();
    [store.text, store.digest] = [BOB, 'x'];
    await look();
    expect([ids(), messages().slice(1)]).toEqual([['alice'], [NOT_USED]]);
  });

  test('stays as it is while the store is empty, and throws nobody out', async () => {
    store.text = ALICE;
    await begin();
    store.text = undefined;
    for (let i = 0; i < 3; i++) await look();
    expect([ids(), messages().slice(1)]).toEqual([['alice'], [NOT_USED]]);
    store.text = ALICE;
    await look();
    expect(ids()).toEqual(['alice']);
  });

  test('stays as it is while the store is away, which is told once a minute at most', async () => {
    store.text = ALICE;
    await begin();
    for (let i = 0; i < 40; i++) {
      store.isAway = i % 2 === 0;
      await look();
    }
    expect(messages().slice(1)).toEqual([NOT_USED, NOT_USED]);
    store.text = BOB;
    await look();
    expect(ids()).toEqual(['bob']);
  });

  test('is what a server begins with while the store is away', async () => {
    store.text = ALICE;
    (await begin()).close();
    store.isAway = true;
    await begin();
    expect([ids(), messages().slice(1)]).toEqual([['alice'], [NOT_USED]]);
  });

  test.each<[what: string, why: RegExp, set: () => void]>([
    [
      'the store is away',
      /no connection to the store/,
      () => {
        store.isAway = true;
      },
    ],
    ['the store has none', /there are none in the store/, () => {}],
    [
      'those in the store have a mistake',
      /store:1: a user needs token/,
      () => {
        store.text = '- { id: bob }\n';
      },
    ],
  ])('is missed by a server that has none when %s', async (_, why, set) => {
    set();
    await expect(newCopy().begin()).rejects.toMatchObject({
      exitCode: ExitCode.failed,
      lines: [expect.stringMatching(why)],
    });
    expect(lines).toEqual([]);
  });

  test('is never written over a file that is no copy', async () => {
    store.text = ALICE;
    writeFileSync(path, BOB, { mode: 0o600 });
    await expect(newCopy().begin()).rejects.toMatchObject({
      exitCode: ExitCode.usage,
      lines: [expect.stringMatching(/^--users-from-store: \S+ is no copy of the users in the store/)],
    });
    expect(readFileSync(path, 'utf8')).toBe(BOB);
  });

  test('that cannot be written is told once, and written as soon as it can be', async () => {
    store.text = ALICE;
    await begin();
    const folder = join(path, '..');
    rmSync(folder, { recursive: true });
    store.text = BOB;
    for (let i = 0; i < 3; i++) await look();
    expect(messages().slice(1)).toEqual([NOT_USED]);
    mkdirSync(folder, { mode: 0o700 });
    await look();
    expect(ids()).toEqual(['bob']);
  });

  test('is left alone once it is closed', async () => {
    store.text = ALICE;
    const copy = await begin();
    copy.close();
    store.text = BOB;
    store.onNews();
    clock.advance(60_000);
    expect([ids(), clock.pending]).toEqual([['alice'], 0]);
  });
});
