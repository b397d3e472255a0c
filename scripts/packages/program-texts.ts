import { join } from 'node:path';
import type { Program } from './bundle.js';
import { type Language, manPage, PAGES } from './man-page.js';
import { root, run } from './run.js';

/** What goes with a program: `man` and `man-zh`, its manual page in two languages, and for each shell what completes its command line. */
export function programTexts(name: Program, version: string, date: Date): Record<string, string> {
  const script = join(root, 'packages', name.replace('wsproxy-', ''), 'bin', `${name}.js`);
  const print = (...words: string[]): string => run(process.execPath, [script, ...words], { env: { COLUMNS: '80' } });
  const shells = ['bash', 'zsh', 'fish', 'powershell'].map((shell) => [shell, print('completion', shell)]);
  const manIn = (language: Language): string =>
    manPage({ name, ...PAGES[name], language, help: print('--lang', language, '--help', 'all'), version, date });
  return { man: manIn('en'), 'man-zh': manIn('zh'), ...(Object.fromEntries(shells) as Record<string, string>) };
}
