import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { CONTROL, message } from './container-channel.js';
import { startFakeEngine } from './fake-engine.js';

/** A part of the example, which has no types. */
const part = (path: string) => import(new URL(`../../examples/web-console/${path}`, import.meta.url).href);

describe('the audit log of the web console', () => {
  test('escapes what a terminal would obey, and reads back as it was', async () => {
    const { createAudit } = await part('server/audit.mjs');
    const path = join(temporaryFolder(), 'audit');
    const audit = createAudit(path);
    const user = 'a\u001b\u009b2J\u202e\u2066\u2028\u007fé€';
    audit.write('login', { user });
    await audit.close();
    const line = readFileSync(path, 'utf8');
    expect(line).toMatch(/^[ -~é€]+\n$/);
    expect(JSON.parse(line)).toMatchObject({ event: 'login', user });
  });

  describe('of refused logins', () => {
    afterEach(() => vi.useRealTimers());

    test('has 60 in a minute, and how many others there were', async () => {
      vi.useFakeTimers();
      const { Refusals } = await part('server/refusals.mjs');
      const written: object[] = [];
      const refusals = new Refusals({ write: (_event: string, about: object) => written.push(about) });
      for (let number = 1; number <= 100; number++) refusals.write({ number });
      expect(written).toHaveLength(60);
      vi.advanceTimersByTime(60_000);
      expect(written.slice(60)).toEqual([{ leftOut: 40 }]);
      refusals.write({ number: 101 });
      expect(written.at(-1)).toEqual({ number: 101 });
      vi.advanceTimersByTime(60_000);
      expect(written).toHaveLength(62);
    });
  });
});

describe('X-Forwarded-For of the web console', () => {
  test.each([
    ['10.9.9.9', '203.0.113.1', '198.51.100.7', '203.0.113.1'],
    ['203.0.113.1', '203.0.113.1', '198.51.100.6, 198.51.100.7', '198.51.100.7'],
    ['203.0.113.0/24', '::ffff:203.0.113.1', '198.51.100.7, 203.0.113.2', '198.51.100.7'],
    ['2001:db8::/32', '2001:db8::1', 'the boss', '2001:db8::1'],
    ['unix', '203.0.113.1', '198.51.100.7', '203.0.113.1'],
  ])('counts from trusted proxies alone: %s trusted, %s says %s', async (trusted, peer, forwarded, address) => {
    const { createRemoteAddressOf } = await part('server/remote-address.mjs');
    const request = { socket: { remoteAddress: peer }, headers: { 'x-forwarded-for': forwarded } };
    expect(createRemoteAddressOf([trusted])(request)).toBe(address);
  });
});

describe('messages of the container service', () => {
  test('are found in pieces of any size', async () => {
    const { MessageReader } = await part('shared/messages.js');
    const sent = ['', 'one', 'x'.repeat(300), 'two'].map((text, kind) => message(kind, text));
    const all = Buffer.concat(sent);
    for (let size = 1; size <= all.length; size++) {
      const reader = new MessageReader();
      const found: { kind: number; bytes: Uint8Array }[] = [];
      for (let at = 0; at < all.length; at += size) found.push(...reader.take(all.subarray(at, at + size)));
      expect(found.map(({ kind, bytes }) => message(kind, String(Buffer.from(bytes))))).toEqual(sent);
    }
  });

  test('are not copied anew for each byte that comes', async () => {
    const { MessageReader } = await part('shared/messages.js');
    const reader = new MessageReader();
    const set = vi.spyOn(Uint8Array.prototype, 'set');
    const all = message(0, 'x'.repeat(100_000));
    let found = [];
    for (let at = 0; at < all.length; at++) found = reader.take(all.subarray(at, at + 1));
    const copied = set.mock.calls.reduce((sum, [from]) => sum + from.length, 0);
    set.mockRestore();
    expect(found).toHaveLength(1);
    expect(copied).toBeLessThan(4 * all.length);
  });

  test('that are too long are refused by their head', async () => {
    const { MessageReader } = await part('shared/messages.js');
    expect(() => new MessageReader().take(Uint8Array.from([0, 255, 255, 255, 255]))).toThrow('too long');
  });
});

describe('the container engine of the web console', () => {
  test('has the own name of each container, and leaves out one without a name', async () => {
    const { Engine } = await part('server/engine.mjs');
    const engine = await startFakeEngine([['/web-1/db', '/db'], null, ['web-1']]);
    const names = (await new Engine(engine.path).list()).map(({ name }: { name: string }) => name);
    expect(names).toEqual(['db', 'web-1']);
  });

  test.each([
    ['a list', /containers\/json/, 'list', []],
    ['a new command', /exec$/, 'exec', ['c0', 'true']],
    ['the start of a command', /start$/, 'exec', ['c0', 'true']],
    ['an output', /attach/, 'attach', ['c0']],
    ['a log', /logs/, 'logs', ['c0']],
  ])('that gives no answer is given up in time: %s', async (_what, silentFor, method, values) => {
    const { Engine } = await part('server/engine.mjs');
    const engine = await startFakeEngine();
    engine.state.silentFor = silentFor;
    const waiting = new Engine(engine.path, 200)[method](...values);
    await expect(waiting).rejects.toThrow('The container engine gives no answer for 0.2 s.');
  });
});

describe('a container console of the page', () => {
  const [stays, go] = [new AbortController().signal, new AbortController()];

  test.each([
    ['refused', [{ error: 'no' }], stays, 'closed'],
    ['over', [{ recorded: false, isTerminal: true }, { exit: 0 }], stays, 'closed'],
    ['given up', [], go.signal, 'aborted'],
  ])('that is %s leaves no channel open', async (_how, answers, givenUp, end) => {
    const { openContainerShell } = await part('page/containers/shell.js');
    const said: string[] = [];
    const writable = new WritableStream({
      close: () => void said.push('closed'),
      abort: () => void said.push('aborted'),
    });
    const readable = new ReadableStream({
      start: (controller) => {
        for (const answer of answers) controller.enqueue(message(CONTROL, JSON.stringify(answer)));
      },
    });
    const opening = openContainerShell({ readable, writable }, { do: 'exec' }, givenUp, () => {});
    opening.catch(() => {});
    go.abort();
    await until('the channel has its end', () => said.length > 0);
    expect(said).toEqual([end]);
  });
});
