export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

let translate: ((text: string) => string) | undefined;

/**
 * What the user is told, in the language of the user. It is asked where a text leaves the program, and nowhere else: libraries,
 * errors and logs for machines stay English.
 */
export function say(text: string): string {
  return translate === undefined ? text : translate(text);
}

/** Several lines at once; what is indented is for copying, and stays as it is, but for the comment of a command. */
export function sayLines(text: string): string {
  const lines = text.split('\n').map((line) => (line.startsWith(' ') ? line.replace(COMMENT, say) : say(line)));
  return lines.join('\n');
}

const COMMENT = /(?<=^ +# | {3}# ).+$/;

/** From now on `say` says everything in this language. English loads nothing. */
export async function speak(language: Language): Promise<void> {
  translate = language === 'zh' ? (await import('../chinese/index.js')).translate : undefined;
}

/**
 * The language that the command line asks for, or else the environment, in the order of POSIX. It is known before the command
 * line is understood, so that mistakes in it can be told. Windows has no such variables: there it is English, or what `--lang` says.
 */
export function languageOf(words: readonly string[], env: Readonly<Record<string, string | undefined>>): Language {
  const given = flagIn(words);
  if (given !== undefined) return given;
  const locale = env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || '';
  return CHINESE.test(locale) ? 'zh' : 'en';
}

/** Of every country, since this Chinese is read in all of them; but what is written is UTF-8, which other encodings cannot show. */
const CHINESE = /^zh(?:[_-]\w+)*(?:\.utf-?8)?(?:@\w+)?$/i;

function flagIn(words: readonly string[]): Language | undefined {
  const end = words.indexOf('--');
  const flags = end === -1 ? words : words.slice(0, end);
  const last = flags.findLastIndex((word) => word === '--lang' || word.startsWith('--lang='));
  const value = flags[last]?.includes('=') === true ? flags[last].slice('--lang='.length) : flags[last + 1];
  return last === -1 ? undefined : LANGUAGES.find((language) => language === value);
}
