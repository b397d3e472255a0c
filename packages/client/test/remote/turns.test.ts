import { describe, expect, test } from 'vitest';
import { TunnelError } from 'wsproxy-engine';
import { Turns } from '../../src/remote/turns.js';

const NEVER = new AbortController().signal;

/** Tasks that end when they are told, in the order in which they began. */
function prepare(places: number) {
  const turns = new Turns(places);
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const run = (name: string, signal: AbortSignal = NEVER): Promise<string> =>
    turns.run(async () => {
      begun.push(name);
      await new Promise<void>((resolve) => ends.push(resolve));
      return name;
    }, signal);
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { turns, begun, ends, run, settle };
}

describe('turns', () => {
  test('are taken by so many at a time, the others in the order in which they came', async () => {
    const { begun, ends, run, settle } = prepare(2);
    const all = ['a', 'b', 'c', 'd'].map((name) => run(name));
    await settle();
    expect(begun).toEqual(['a', 'b']);
    ends[1]?.();
    await settle();
    expect(begun).toEqual(['a', 'b', 'c']);
    for (const end of ends) end();
    await settle();
    for (const end of ends) end();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('are given back by a task that fails', async () => {
    const { turns, begun, run, settle } = prepare(1);
    await expect(turns.run(() => Promise.reject(new TunnelError('DENIED')), NEVER)).rejects.toThrow(TunnelError);
    void run('next');
    await settle();
    expect(begun).toEqual(['next']);
  });

  test('never come to the one who has given up', async () => {
    const { begun, ends, run, settle } = prepare(1);
    const giveUp = new AbortController();
    void run('a');
    const gone = run('b', giveUp.signal);
    void run('c');
    giveUp.abort(new TunnelError('CANCELLED'));
    await expect(gone).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(run('d', giveUp.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    ends[0]?.();
    await settle();
    expect(begun).toEqual(['a', 'c']);
  });
});
