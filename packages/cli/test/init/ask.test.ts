import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { agreeOnFiles } from '../../src/init/agree-on-files.js';
import { askAtTerminal } from '../../src/init/ask.js';

/** Somebody who types these lines, and what they see. */
function sit(...lines: string[]) {
  const [input, output] = [new PassThrough(), new PassThrough({ encoding: 'utf8' })];
  const asker = askAtTerminal({ input, output });
  let seen = '';
  output.on('data', (text: string) => {
    seen += text;
  });
  input.write(lines.join(''));
  return { asker, type: (text: string) => input.write(text), seen: () => seen.replaceAll(/\u001b\[[\d;]*[A-Z]/g, '') };
}

const aNumber = (text: string): number => {
  if (/^\d+$/.test(text)) return Number(text);
  throw new TypeError('Expected a number.');
};

describe('a question at a terminal', () => {
  test('takes the answer', async () => {
    const { asker, seen } = sit('42\r');
    expect(await asker.ask({ text: 'How many', parse: aNumber })).toBe(42);
    expect(seen()).toContain('How many: ');
    asker.close();
  });

  test('takes what stands in brackets for nothing', async () => {
    const { asker, seen } = sit('\r');
    expect(await asker.ask({ text: 'How many', fallback: '7', parse: aNumber })).toBe(7);
    expect(seen()).toContain('How many [7]: ');
    asker.close();
  });

  test('comes again with what is expected', async () => {
    const { asker, seen } = sit('many\r', '\r', '3\r');
    expect(await asker.ask({ text: 'How many', parse: aNumber })).toBe(3);
    expect(seen().match(/ {2}Expected a number\.\n/g)).toHaveLength(2);
    asker.close();
  });

  test('shows nothing of a secret, and what comes after it', async () => {
    const { asker, seen, type } = sit();
    const answer = asker.askSecret({ text: 'Secret', parse: String });
    type('hidden\r');
    expect(await answer).toBe('hidden');
    expect(seen()).toContain('Secret: ');
    expect(seen()).not.toContain('hidden');
    asker.close();
  });

  test('takes a secret that is pasted with a line break in it as one answer, and nothing that is typed later', async () => {
    const { asker, type, seen } = sit();
    const answer = asker.askSecret({ text: 'Secret', parse: String });
    type('hidden\rand more');
    await new Promise((resolve) => setImmediate(resolve));
    type('\r');
    expect(await answer).toBe('hidden\nand more');
    const next = asker.ask({ text: 'How many', parse: aNumber });
    type('4\r');
    expect(await next).toBe(4);
    expect(seen()).not.toMatch(/hidden|more/);
    asker.close();
  });

  test.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('ends with %s, and nothing was written', async (_key, typed) => {
    const { asker } = sit(typed);
    await expect(asker.ask({ text: 'How many', parse: aNumber })).rejects.toMatchObject({
      exitCode: 1,
      message: 'stopped: nothing was written',
    });
    asker.close();
  });
});

describe('files', () => {
  const there = { path: import.meta.filename, text: 'other', what: 'a test', mode: 0o644 };
  const fresh = { ...there, path: `${import.meta.filename}.missing` };

  test.each([
    [[fresh], '\r', false],
    [[fresh], 'y\r', false],
    [[there], 'yes\r', true],
  ])('are agreed on', async (files, typed, isForced) => {
    const { asker } = sit(typed);
    expect(await agreeOnFiles(asker, files, false)).toBe(isForced);
    asker.close();
  });

  test.each([
    [[fresh], 'no\r'],
    [[there], '\r'],
  ])('are not agreed on', async (files, typed) => {
    const { asker } = sit(typed);
    await expect(agreeOnFiles(asker, files, false)).rejects.toThrow('stopped: nothing was written');
    asker.close();
  });
});
