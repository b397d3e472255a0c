import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const [english, chinese] = ['README.md', 'README.zh-CN.md'].map((name) =>
  readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'),
) as [string, string];

/** What every match of `pattern` captures, in the order of the page; without the links to the other README, and to Chinese pages. */
function all(pattern: RegExp, page: string): string[] {
  return [...page.matchAll(pattern)]
    .map(([, text = '']) => text.trimEnd())
    .filter((text) => !/^(?:README|docs\/zh\/)/.test(text));
}

/** Each block of code, without what a `#` says to people. */
const code = (page: string): string[] =>
  all(/^```\w*\n([\s\S]*?)^```$/gm, page).map((text) => text.replaceAll(/ +# .*$/gm, ''));

describe('README.zh-CN.md', () => {
  it.each([
    ['headings of the same levels', /^(#+) /gm],
    ['the same links', /\]\(([^)]+)\)/g],
    ['the same pictures', /<img src="([^"]+)"/g],
    ['as many rows in each table', /^(\|)/gm],
    ['as many recipes', /^\*\*(\d)\./gm],
    ['as many reasons', /^(\*) \*\*/gm],
  ])('has %s as README.md', (_what, pattern) => {
    expect(all(pattern, chinese)).toEqual(all(pattern, english));
    expect(all(pattern, english)).not.toEqual([]);
  });

  it('leads to each document in Chinese', () => {
    const pages = readdirSync(new URL('../../docs/zh', import.meta.url)).map((name) => `](docs/zh/${name})`);
    expect(pages).toHaveLength(2);
    expect(pages.filter((link) => !chinese.includes(link))).toEqual([]);
  });

  it('has the same code as README.md', () => {
    expect(code(chinese)).toEqual(code(english));
    expect(code(english)).toHaveLength(9);
  });

  // Sentences have another order in Chinese.
  it('has the same words of programs as README.md', () => {
    const words = (page: string): string[] => all(/`([^`\n]+)`/g, page).sort();
    expect(words(chinese)).toEqual(words(english));
  });

  it('has the same figures as README.md', () => {
    const figures = (page: string): string[] => all(/(\d+(?:\.\d+)+|\d{2,})/g, page).sort();
    expect(figures(chinese)).toEqual(figures(english));
  });
});
