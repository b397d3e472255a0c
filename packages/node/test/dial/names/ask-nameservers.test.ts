import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { type AskServer, askNameservers } from '../../../src/dial/names/ask-nameservers.js';

/** Nameservers that answer by hand. */
function ask(...servers: string[]) {
  const clock = new FakeClock();
  const controller = new AbortController();
  const asked: { server: string; signal: AbortSignal; answer(value: string[]): void; fail(code: string): void }[] = [];
  const askServer: AskServer = (server, { signal }) =>
    new Promise((answer, reject) => {
      const fail = (code: string) => reject(Object.assign(new Error(code), { code }));
      asked.push({ server, signal, answer, fail });
    });
  const question = { name: 'example.org', signal: controller.signal };
  const result = askNameservers(servers, question, askServer, clock);
  result.catch(() => {});
  return { result, clock, controller, asked, names: () => asked.map(({ server }) => server) };
}

describe('nameservers', () => {
  test('are asked one at a time while they answer', async () => {
    const { result, asked, names, clock } = ask('a', 'b');
    asked[0]?.answer(['192.0.2.1']);
    expect(await result).toEqual(['192.0.2.1']);
    expect(names()).toEqual(['a']);
    expect(clock.pending).toBe(0);
  });

  test.each(['ESERVFAIL', 'EREFUSED', 'ECONNREFUSED', 'EBADRESP'])(
    'are followed by the next after %s',
    async (code) => {
      const { result, asked, names } = ask('a', 'b');
      asked[0]?.fail(code);
      await expect.poll(names).toEqual(['a', 'b']);
      asked[1]?.answer(['192.0.2.1']);
      expect(await result).toEqual(['192.0.2.1']);
    },
  );

  test.each(['ENOTFOUND', 'ENODATA'])('are believed when they say %s', async (code) => {
    const { result, asked, names } = ask('a', 'b');
    asked[0]?.fail(code);
    await expect(result).rejects.toMatchObject({ code });
    expect(names()).toEqual(['a']);
  });

  test('are joined by the next after a second of silence, and may still be the first to answer', async () => {
    const { result, asked, names, clock } = ask('a', 'b', 'c');
    clock.advance(999);
    expect(names()).toEqual(['a']);
    clock.advance(1);
    expect(names()).toEqual(['a', 'b']);
    asked[0]?.answer(['192.0.2.1']);
    expect(await result).toEqual(['192.0.2.1']);
    expect(asked[1]?.signal.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('have failed when all have', async () => {
    const { result, asked, names } = ask('a', 'b');
    asked[0]?.fail('ECONNREFUSED');
    await expect.poll(names).toEqual(['a', 'b']);
    asked[1]?.fail('ESERVFAIL');
    await expect(result).rejects.toMatchObject({ code: 'ESERVFAIL' });
  });

  test('are left alone after an abort', async () => {
    const { result, asked, controller, clock } = ask('a', 'b');
    const reason = new Error('given up');
    controller.abort(reason);
    await expect(result).rejects.toBe(reason);
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('that are none have failed', async () => {
    await expect(ask().result).rejects.toThrow('there is no nameserver');
  });
});
