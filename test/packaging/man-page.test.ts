import { expect, test } from 'vitest';
import { runCommand } from 'wsproxy-test-support/programs/command-line';
import { type Language, manPage, PAGES } from '../../scripts/packages/man-page.js';

test.each(['wsproxy-client', 'wsproxy-server'] as const)(
  'the manual page of %s has each option of the help, with its default and its choices',
  async (name) => {
    const { help, page } = await pageIn('en', name);
    const words = ELSEWHERE.reduce(withoutFlag, help).replaceAll(/\s+/g, ' ');
    const remarks = [...words.matchAll(/ \(((?:choices|default): [^)]+)\)/g)].map(([, remark = '']) => remark);
    expect(remarks.length).toBeGreaterThan(5);
    expect(remarks.filter((remark) => !page.includes(`(${remark})`))).toEqual([]);
    expect(missingFlags(help, page)).toEqual(ELSEWHERE);
  },
);

test.each(['wsproxy-client', 'wsproxy-server'] as const)(
  'the manual page of %s in Chinese has each option, command and example, and no part without a text',
  async (name) => {
    const { help, page } = await pageIn('zh', name);
    const english = (await pageIn('en', name)).page;
    expect(missingFlags(help, page)).toEqual(ELSEWHERE);
    const count = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;
    for (const what of [/^\.SH /gm, /^\.SS /gm, /^\.TP$/gm]) {
      expect(count(page, what)).toBe(count(english, what));
    }
    expect(count(page, /^\.TP$/gm)).toBeGreaterThan(30);
    const examplesOf = (text: string) => /^\.nf\n([^]+?)\n\.fi$/m.exec(text)?.[1];
    expect(examplesOf(page)).toBe(examplesOf(english));
    // A part that the help does not have would leave an empty line, or a heading behind another.
    expect(page).not.toMatch(/\n\n|^\.S[HS] .*\n\.S[HS]|undefined/m);
    const texts = page
      .trimEnd()
      .split('\n')
      .filter((line) => !/^\.|^\\fB|^(?:wsproxy-|curl |ssh |WSPROXY)/.test(line));
    expect(texts.length).toBeGreaterThan(40);
    expect(texts.filter((line) => !/\p{Script=Han}/u.test(line))).toEqual([]);
  },
);

async function pageIn(language: Language, name: keyof typeof PAGES) {
  const { stdout: help } = await runCommand(name, ['--lang', language, '--help', 'all']);
  const page = manPage({ name, ...PAGES[name], language, help, version: '1.2.3', date: new Date(0) });
  return { help, page: page.replaceAll('\\-', '-').replaceAll('\\:', '') };
}

/** These stand in other parts of the page, or are for the command line alone. */
const ELSEWHERE = ['--version', '--config', '--help'];

/** The help without what it says of a flag. */
function withoutFlag(help: string, flag: string): string {
  return help.replace(new RegExp(`^ {2,6}(?:-\\w, )?${flag}\\b[^]*?\\n(?= {0,6}\\S|\\n)`, 'm'), '');
}

function missingFlags(help: string, page: string): string[] {
  const flags = [...help.matchAll(/^ {2,6}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag = '']) => flag);
  return flags.filter((flag) => !page.includes(`\\fB${flag}`) && !page.includes(`, ${flag}`));
}
