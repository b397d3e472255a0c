import { describe, expect, it } from 'vitest';
import { Forwards } from '../../src/cli/forwards.js';

/** What has begun and ended, in that order; a text with `!` cannot begin. */
function recorded() {
  const told: string[] = [];
  let running = 0;
  const forwards = new Forwards(async ({ text }: { readonly text: string }) => {
    if (text.includes('!')) throw new Error(`no ${text}`);
    const name = `${text} as ${++running}`;
    told.push(`begin ${name}`);
    return {
      name,
      async end() {
        told.push(`end ${name}`);
      },
    };
  });
  const named = (...texts: string[]) => texts.map((text) => ({ text }));
  return { forwards, told, named };
}

describe('forwards', () => {
  it('begin in their order, each by itself', async () => {
    const { forwards, told, named } = recorded();
    expect(await forwards.open(named('a', 'b', 'a'))).toEqual(['a as 1', 'b as 2', 'a as 3']);
    expect(told).toEqual(['begin a as 1', 'begin b as 2', 'begin a as 3']);
  });

  it('that cannot begin at first are told, and nothing behind them begins', async () => {
    const { forwards, told, named } = recorded();
    await expect(forwards.open(named('a', '!', 'b'))).rejects.toThrow('no !');
    expect(told).toEqual(['begin a as 1']);
  });

  it('end where they are gone before others begin, and are left alone where they stay', async () => {
    const { forwards, told, named } = recorded();
    await forwards.open(named('a', 'b', 'a'));
    told.length = 0;
    expect(await forwards.change(named('c', 'b', 'a'))).toEqual({ began: ['c as 4'], ended: ['a as 3'], failures: [] });
    expect(told).toEqual(['end a as 3', 'begin c as 4']);
    expect(await forwards.change(named('a', 'b', 'c'))).toEqual({ began: [], ended: [], failures: [] });
    expect(await forwards.change([])).toMatchObject({ began: [], ended: ['a as 1', 'b as 2', 'c as 4'] });
  });

  it('that cannot begin later leave the others to begin, and are tried again', async () => {
    const { forwards, named } = recorded();
    const { began, failures } = await forwards.change(named('!', 'a'));
    expect([began, failures.map(({ message }) => message)]).toEqual([['a as 1'], ['no !']]);
    expect((await forwards.change(named('!', 'a'))).failures).toHaveLength(1);
  });
});
