import { expect, test } from 'vitest';
import { runCommand } from 'wsproxy-test-support/programs/command-line';
import { manPage, PAGES } from '../../scripts/packages/man-page.js';

test.each(['wsproxy-client', 'wsproxy-server'] as const)(
  'the manual page of %s has each option of the help, with its default and its choices',
  async (name) => {
    const { stdout: help } = await runCommand(name, ['--help', 'all']);
    const page = manPage({ name, ...PAGES[name], help, version: '1.2.3', date: new Date(0) }).replaceAll('\\-', '-');
    const words = help.replaceAll(/\s+/g, ' ');
    const remarks = [...words.matchAll(/ \(((?:choices|default): [^)]+)\)/g)].map(([, remark = '']) => remark);
    expect(remarks.length).toBeGreaterThan(5);
    expect(remarks.filter((remark) => !page.includes(`(${remark})`))).toEqual([]);
    const flags = [...help.matchAll(/^ {2,6}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag = '']) => flag);
    const isThere = (flag: string) => page.includes(`\\fB${flag}`) || page.includes(`, ${flag}`);
    // These stand in other parts of the page, or are for the command line alone.
    const others = ['--version', '--config', '--help'];
    expect(flags.filter((flag) => !isThere(flag))).toEqual(others);
  },
);
