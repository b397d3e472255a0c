import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { Accounts } from '../../src/limits/accounts.js';
import { resolveLimits } from '../../src/limits/limits.js';
import { checkQuotaFile, QuotaFile } from '../../src/limits/quota-file.js';
import { SocketBudget } from '../../src/limits/socket-budget.js';

let folder: string;
let path: string;
let clock: FakeClock;
const files: QuotaFile[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsproxy-quota-'));
  path = join(folder, 'quota.json');
  clock = new FakeClock();
  clock.wallOffset = Date.UTC(2030, 10, 30, 23, 59, 0) - clock.now();
});

afterEach(async () => {
  for (const file of files.splice(0)) await file.close();
  rmSync(folder, { recursive: true });
});

function begin(): { accounts: Accounts; file: QuotaFile } {
  const accounts = new Accounts(resolveLimits(), clock, new SocketBudget(10));
  const file = new QuotaFile({ path, accounts, clock, logger: silentLogger });
  files.push(file);
  return { accounts, file };
}

const written = (): unknown => JSON.parse(readFileSync(path, 'utf8'));

describe('the file of quotas', () => {
  test('has what was carried, and the next process goes on from there', async () => {
    const { accounts, file } = begin();
    accounts.of({ id: 'alice' }).carried(5);
    await file.close();
    expect(written()).toEqual({ month: '2030-11', bytes: { alice: 5 } });
    const next = begin();
    next.accounts.of({ id: 'alice' }).carried(2);
    next.accounts.of({ id: 'bob' }).carried(1);
    await next.file.close();
    expect(written()).toEqual({ month: '2030-11', bytes: { alice: 7, bob: 1 } });
  });

  test('counts for its month alone, also when that ends while the server runs', async () => {
    const { accounts, file } = begin();
    accounts.of({ id: 'alice' }).carried(5);
    await file.close();
    const next = begin();
    expect(next.accounts.quotaOf({ id: 'alice' })).toEqual({ bytes: 5, limit: undefined, endsAt: Date.UTC(2030, 11) });
    clock.advance(60_000);
    expect(next.accounts.quotaOf({ id: 'alice' })).toMatchObject({ bytes: 0, endsAt: Date.UTC(2031, 0) });
    expect(begin().accounts.quotaOf({ id: 'alice' }).bytes).toBe(0);
  });

  test('may begin with a byte order mark', () => {
    writeFileSync(path, '\ufeff{"month":"2030-11","bytes":{"alice":7}}\n');
    expect(begin().accounts.quotaOf({ id: 'alice' }).bytes).toBe(7);
  });

  test.each([
    ['no JSON', '{'],
    ['another form', '[]'],
    ['no counts', '{"month":"2030-11","bytes":7}'],
    ['a count that is none', '{"month":"2030-11","bytes":{"alice":-1}}'],
    ['a user that can be none', '{"month":"2030-11","bytes":{"a b":1}}'],
  ])('is moved aside when it has %s', (_what, text) => {
    writeFileSync(path, text);
    expect(begin().accounts.quotaOf({ id: 'alice' }).bytes).toBe(0);
    expect(readFileSync(`${path}.broken`, 'utf8')).toBe(text);
  });

  test('must have a folder', () => {
    path = join(folder, 'none', 'quota.json');
    expect(() => checkQuotaFile(path)).toThrow(/quotaFile: .*cannot be used \(ENOENT\): its folder must be there/);
  });
});
