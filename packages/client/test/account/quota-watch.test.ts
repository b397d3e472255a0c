import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OfferedChannel } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { LivePair } from 'wsproxy-test-support/live-pair';
import { until } from 'wsproxy-test-support/until';
import { QuotaWatch } from '../../src/account/quota-watch.js';

const ENDS_AT = '2030-01-01T00:00:00.000Z';
const ANSWER = (bytes: number) => ({ bytes, limit: 100, endsAt: ENDS_AT });

let pair: LivePair;
let clock: FakeClock;
let watch: QuotaWatch;
/** The server that is in use, if it tells the account. */
let server: string | undefined;
/** Questions, in the order in which the server has had them. */
let asked: OfferedChannel[];

beforeEach(() => {
  asked = [];
  server = 'a';
  clock = new FakeClock();
  pair = new LivePair((channel) => asked.push(channel));
  watch = new QuotaWatch(pair.client, clock, () => server);
});

afterEach(() => pair.close());

/** Waits for question number `index`, and answers it. */
async function answer(index: number, text: string): Promise<void> {
  await until('there is a question', () => asked.length > index);
  asked[index]?.accept();
  asked[index]?.write(Buffer.from(text));
  asked[index]?.end();
}

const tell = (index: number, bytes: number): Promise<void> =>
  answer(index, JSON.stringify({ user: 'alice', quota: ANSWER(bytes) }));

describe('the quota', () => {
  test('is asked for when somebody looks, once for all who look in the same seconds', async () => {
    expect(watch.of('a')).toBeUndefined();
    const looks = [watch.look(), watch.look(), watch.look()];
    await tell(0, 7);
    expect(await Promise.all(looks)).toEqual([ANSWER(7), ANSWER(7), ANSWER(7)]);
    expect(asked.map(({ target }) => target)).toEqual([{ host: 'account.wsproxy.invalid', port: 1 }]);
    clock.advance(9_999);
    expect([await watch.look(), watch.of('a'), asked.length]).toEqual([ANSWER(7), ANSWER(7), 1]);
    clock.advance(1);
    const later = watch.look();
    await tell(1, 8);
    expect([await later, asked.length]).toEqual([ANSWER(8), 2]);
  });

  test('is asked for by nobody where no server tells it', async () => {
    server = undefined;
    for (let n = 0; n < 100; n++) {
      expect(await watch.look()).toBeUndefined();
      clock.advance(60_000);
    }
    expect(asked).toEqual([]);
  });

  test('that is not told in time is given up, and looked at again a while later: one question at a time', async () => {
    const first = watch.look();
    await until('there is a question', () => asked.length === 1);
    asked[0]?.accept();
    clock.advance(10_000);
    expect(await first).toBeUndefined();
    await until('it is given up', () => pair.client.channelCount === 0 && pair.server?.channelCount === 0);
    for (let n = 0; n < 100; n++) {
      void watch.look();
      clock.advance(1_000);
      await Promise.resolve();
    }
    expect(pair.client.channelCount).toBeLessThanOrEqual(1);
    await until('they are over', () => pair.client.channelCount <= 1 && asked.length <= 11);
  });

  test.each([
    ['no JSON', '{"quota":'],
    ['of something else', '{"user":"alice"}'],
    ['less than nothing', '{"quota":{"bytes":-1,"limit":null,"endsAt":"2030-01-01"}}'],
    ['without a day', '{"quota":{"bytes":1,"limit":null,"endsAt":"soon"}}'],
    ['too much', `{"quota":"${'x'.repeat(20_000)}"}`],
  ])('that is told as %s changes nothing', async (_what, text) => {
    const first = watch.look();
    await tell(0, 7);
    await first;
    clock.advance(10_000);
    const second = watch.look();
    await answer(1, text);
    expect(await second).toEqual(ANSWER(7));
    expect([await watch.look(), asked.length]).toEqual([ANSWER(7), 2]);
    expect(clock.pending).toBe(0);
  });

  test('is looked at anew once it is used up, also by anyone who was waiting for an older answer, and not again', async () => {
    const before = watch.look();
    await until('there is a question', () => asked.length === 1);
    watch.noteUsedUp();
    const after = watch.look();
    await tell(0, 99);
    expect(await before).toEqual(ANSWER(99));
    await tell(1, 100);
    expect(await after).toEqual(ANSWER(100));
    watch.noteUsedUp();
    expect([await watch.look(), asked.length]).toEqual([ANSWER(100), 2]);
  });

  test('of another server is another one', async () => {
    const first = watch.look();
    await tell(0, 7);
    await first;
    server = 'b';
    expect([watch.of('a'), watch.of('b')]).toEqual([ANSWER(7), undefined]);
    const second = watch.look();
    await tell(1, 50);
    expect([await second, watch.of('a')]).toEqual([ANSWER(50), undefined]);
  });
});
