import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { har } from 'har-validator';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { until } from 'wsproxy-test-support/until';
import { Exchanges } from '../../../src/inspect/seen/exchanges.js';
import { HarFile } from '../../../src/inspect/seen/har-file.js';
import { HarRecorder } from '../../../src/inspect/seen/har-recorder.js';
import { MASK, NO_MASK } from '../../../src/inspect/seen/mask.js';
import { respond, START, upgrade } from './fake-exchanges.js';

const CREATOR = { name: 'wsproxy-client', version: '1.2.3' };
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'har-'));
  path = join(folder, 'seen.har');
});

afterEach(() => rmSync(folder, { recursive: true }));

// biome-ignore lint/suspicious/noExplicitAny: of a file whose shape is what is tested.
const readHar = (): any => JSON.parse(readFileSync(path, 'utf8'));

async function startRecorder(exchanges: Exchanges, clock: FakeClock, problems: string[], mask = MASK) {
  const file = await HarFile.open(path, CREATOR);
  return new HarRecorder(exchanges, { file, mask, clock, onProblem: (problem) => problems.push(problem) });
}

/** What the file has in the end. */
async function record(pass: (exchanges: Exchanges, clock: FakeClock) => void, mask = MASK) {
  const clock = new FakeClock();
  const exchanges = new Exchanges(clock);
  const problems: string[] = [];
  const recorder = await startRecorder(exchanges, clock, problems, mask);
  pass(exchanges, clock);
  await recorder.close();
  expect(problems).toEqual([]);
  return readHar().log;
}

describe('an archive', () => {
  test('has requests, answers, bodies as they are read, and times', async () => {
    const { creator, entries } = await record((exchanges, clock) => {
      const at = clock.wallTime();
      const headers = ['Content-Type', 'application/json', 'Cookie', 'a=1; b=2', 'Authorization', 'Bearer x'];
      const url = 'https://shop.example/cart?id=7&token=x';
      const watcher = exchanges.onExchange({ ...START, at, method: 'POST', url, headers });
      watcher.onRequestBody(Buffer.from('{"item":1,"password":"x"}'));
      clock.advance(3);
      watcher.onRequestEnd([]);
      clock.advance(4);
      const answer = ['Content-Type', 'text/html', 'Content-Encoding', 'gzip', 'Set-Cookie', 'sid=9; Path=/'];
      watcher.onResponse({ at: clock.wallTime(), status: 200, statusText: 'OK', version: '1.1', headers: answer });
      watcher.onResponseBody(gzipSync('<p>hello hello hello hello hello hello</p>'));
      clock.advance(5);
      watcher.onResponseEnd([]);
      watcher.onEnd();
    });
    expect(creator).toEqual(CREATOR);
    expect(entries).toMatchObject([
      {
        time: 12,
        timings: { send: 3, wait: 4, receive: 5 },
        request: {
          method: 'POST',
          url: 'https://shop.example/cart?id=7&token=***',
          httpVersion: 'HTTP/1.1',
          cookies: [
            { name: 'a', value: '***' },
            { name: 'b', value: '***' },
          ],
          queryString: [
            { name: 'id', value: '7' },
            { name: 'token', value: '***' },
          ],
          postData: { mimeType: 'application/json', text: '{"item":1,"password":"***"}' },
          bodySize: 25,
        },
        response: {
          status: 200,
          cookies: [{ name: 'sid', value: '***' }],
          content: { size: 42, mimeType: 'text/html', text: '<p>hello hello hello hello hello hello</p>' },
        },
      },
    ]);
    expect(readFileSync(path, 'utf8')).not.toContain('Bearer x');
    await har(readHar());
  });

  test('has secrets for those who ask for them', async () => {
    const headers = ['Authorization', 'Bearer x'];
    const { entries } = await record((all) => all.onExchange({ ...START, headers }).onEnd(), NO_MASK);
    expect(entries[0].request.headers).toEqual([{ name: 'Authorization', value: 'Bearer x' }]);
  });

  test('has the messages of WebSockets as Chromium writes them, of those that live too', async () => {
    const { entries } = await record((exchanges) => {
      const watcher = exchanges.onExchange(START);
      upgrade(watcher);
      watcher.onBytes('up', Buffer.from([0x81, 2, 0x68, 0x69, 0x89, 0]));
      watcher.onBytes('down', Buffer.from([0x82, 2, 0, 0xff]));
    });
    expect(entries).toMatchObject([
      {
        _resourceType: 'websocket',
        _webSocketMessages: [
          { type: 'send', opcode: 1, data: 'hi' },
          { type: 'receive', opcode: 2, data: 'AP8=' },
        ],
        comment: 'not over yet',
      },
    ]);
    await har(readHar());
  });

  test('is valid for anything that passes', async () => {
    const text = fc.string({ unit: 'binary' });
    const headers = fc.array(text, { maxLength: 7 });
    const body = fc.uint8Array({ maxLength: 100 });
    const passing = fc.record({
      url: fc.oneof(fc.webUrl({ withQueryParameters: true }), text),
      method: fc.constantFrom('GET', 'POST'),
      headers: fc.oneof(headers, fc.constant(['content-type', 'text/plain; charset=utf-16le', 'COOKIE', '=;a'])),
      status: fc.option(fc.integer({ min: 100, max: 999 }), { nil: undefined }),
      answer: fc.oneof(headers, fc.constant(['Content-Encoding', 'gzip', 'Location', '//', 'set-cookie', ''])),
      request: body,
      response: body,
      bytes: body,
      failure: fc.option(text, { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(passing, { maxLength: 4 }), async (all) => {
        rmSync(path, { force: true });
        const { entries } = await record((exchanges) => {
          for (const one of all) {
            const watcher = exchanges.onExchange({ ...START, ...one });
            watcher.onRequestBody(one.request);
            if (one.status !== undefined) respond(watcher, one.status, one.answer);
            watcher.onResponseBody(one.response);
            watcher.onBytes('down', one.bytes);
            watcher.onEnd(one.failure);
          }
        });
        expect(entries).toHaveLength(all.length);
        await har(readHar());
      }),
      { numRuns: 50 },
    );
  });
});

describe('the file of an archive', () => {
  test('is whole after each entry, and of its user alone', async () => {
    const file = await HarFile.open(path, CREATOR);
    expect([readHar().log.entries, statSync(path).mode & 0o777]).toEqual([[], 0o600]);
    for (let n = 1; n <= 3; n++) {
      await file.write([JSON.stringify({ n })]);
      expect(readHar().log.entries).toHaveLength(n);
    }
    await file.close();
  });

  test('is whole too where what passes is replaced, by more or by less', async () => {
    const file = await HarFile.open(path, CREATOR);
    const numbers = fc.array(fc.nat({ max: 1e9 }), { maxLength: 5 });
    const writes = fc.sample(fc.tuple(numbers, numbers), { numRuns: 50, seed: 1 });
    const stays: number[] = [];
    for (const [entries, passing] of writes) {
      await file.write(entries.map(String), passing.map(String));
      stays.push(...entries);
      expect(readHar().log.entries).toEqual([...stays, ...passing]);
    }
    await file.close();
    const again = await HarFile.open(path, CREATOR);
    await again.write(['1']);
    await again.close();
    expect(readHar().log.entries).toEqual([...stays, ...(writes.at(-1)?.[1] ?? []), 1]);
  });

  test('has WebSockets that live, so that a crash leaves them', async () => {
    const [clock, problems] = [new FakeClock(), [] as string[]];
    const exchanges = new Exchanges(clock);
    const recorder = await startRecorder(exchanges, clock, problems);
    const watcher = exchanges.onExchange(START);
    upgrade(watcher);
    const messages = () =>
      readHar().log.entries.map((entry: { _webSocketMessages?: [] }) => entry._webSocketMessages?.length);
    for (let n = 1; n <= 3; n++) {
      watcher.onBytes('up', Buffer.from([0x81, 1, 0x61]));
      clock.advance(2_000);
      await until('it is written', () => messages().join() === String(n));
    }
    const other = exchanges.onExchange({ ...START, url: 'https://shop.example/other' });
    other.onEnd();
    await until('the other one stands before it', () => messages().join() === ',3');
    watcher.onEnd();
    await until('each is there once', () => readHar().log.entries.every(({ comment = '' }) => comment === ''));
    expect(messages()).toEqual([undefined, 3]);
    await recorder.close();
    expect([messages(), problems]).toEqual([[undefined, 3], []]);
  });

  test('is continued, empty or not', async () => {
    for (const wanted of [[], [1], [1, 2], [1, 2, 3]]) {
      const file = await HarFile.open(path, CREATOR);
      const last = wanted.at(-1);
      if (last !== undefined) await file.write([JSON.stringify({ last })]);
      await file.close();
      expect(readHar().log.entries).toEqual(wanted.map((one) => ({ last: one })));
    }
  });

  test('is left as it was where it is something else', async () => {
    for (const text of ['no archive', '{"log":{"version":"1.2","entries":[', '\n']) {
      writeFileSync(path, text);
      await expect(HarFile.open(path, CREATOR)).rejects.toThrow('no archive that was written here');
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
  });

  test('that cannot be written is told once, and what passes is not held up', async () => {
    const file = await HarFile.open(path, CREATOR);
    await file.write(['{"n":1}']);
    await file.close();
    const exchanges = new Exchanges(new FakeClock());
    const problems: string[] = [];
    const recorder = new HarRecorder(exchanges, {
      ...{ file, mask: MASK, clock: new FakeClock() },
      onProblem: (problem) => problems.push(problem),
    });
    for (let n = 0; n < 5; n++) exchanges.onExchange(START).onEnd();
    await recorder.close().catch(() => undefined);
    expect(problems).toEqual([expect.stringMatching(/^file closed|EBADF/)]);
    expect(readHar().log.entries).toEqual([{ n: 1 }]);
  });

  test('has what was kept when a disk is slower than what passes', { timeout: 30_000 }, async () => {
    const exchanges = new Exchanges(new FakeClock());
    const problems: string[] = [];
    const recorder = await startRecorder(exchanges, new FakeClock(), problems);
    const body = randomBytes(1_048_576);
    for (let n = 0; n < 100; n++) {
      const watcher = exchanges.onExchange(START);
      watcher.onResponseBody(body);
      watcher.onEnd();
    }
    await recorder.close();
    expect(problems).toEqual(['the disk is too slow for what passes']);
    const { length } = readHar().log.entries;
    expect([length > 50, length < 100]).toEqual([true, true]);
    await har(readHar());
  });
});
