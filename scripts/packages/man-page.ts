import { translate } from '../../packages/cli/dist/chinese/index.js';
import { CLIENT, type Row, SERVER } from './option-tables.js';

/** The manual page of a program, for man(1), from the table of its options and what its help says besides, in either language. */
export function manPage({ name, section, table, language = 'en', help, version, date }: Page): string {
  const { say, headings } = LANGUAGES[language];
  const part = (heading: string, body: string): string =>
    new RegExp(`(?:^|\\n)${say(heading)}\\s+${body}`).exec(help)?.[1] ?? '';
  const [usage, description] = [part('Usage:', '(.+)'), part('Usage:', '.+\\n\\n([^]+?)\\n\\n')];
  const [examples, more] = [part('Examples:', '([^]+?)\\n\\n'), part('Examples:', '[^]+?\\n\\n([^]+)$')];
  const [title, synopsis, about, options, commands, files, shown, notes] = headings;
  const day = date.toISOString().slice(0, 10);
  return `${[
    `.TH ${name.toUpperCase()} ${section} "${day}" "wsproxy ${version}" "wsproxy"`,
    ...LANGUAGES[language].requests,
    `.SH ${title}`,
    plain(`${name} - ${LANGUAGES[language].short[name]}`),
    `.SH ${synopsis}`,
    plain(usage),
    `.SH ${about}`,
    plain(joined(description)),
    LANGUAGES[language].settings,
    `.SH ${options}`,
    ...optionLines(table, say),
    `.SH ${commands}`,
    ...commandLines(part('Commands:', '([^]+?)\\n\\n')),
    `.SH ${files}`,
    ...item(`~/.config/wsproxy/${name.replace('wsproxy-', '')}.yaml`, LANGUAGES[language].file),
    `.SH ${shown}`,
    '.nf',
    ...examples.split('\n').map((line) => plain(line.trim())),
    '.fi',
    `.SH ${notes}`,
    plain(joined(more.trim())),
  ].join('\n')}\n`;
}

export const PAGES = {
  'wsproxy-client': { section: 1, table: CLIENT },
  'wsproxy-server': { section: 8, table: SERVER },
} as const;

const LANGUAGES: Readonly<Record<Language, Words>> = {
  en: {
    say: (text) => text,
    requests: [],
    headings: ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'COMMANDS', 'FILES', 'EXAMPLES', 'NOTES'],
    short: {
      'wsproxy-client': 'SOCKS and HTTP proxy through a tunnel over WebSocket',
      'wsproxy-server': 'the far end of a tunnel over WebSocket',
    },
    settings: 'A setting in a file is the long flag without its dashes; flags win over the file.',
    file: 'The configuration file, if there is no --config.',
  },
  zh: {
    say: translate,
    // Chinese has no spaces that could be made wider.
    requests: ['.ad l', '.nh'],
    headings: ['名称', '概述', '描述', '选项', '命令', '文件', '示例', '注意'],
    short: {
      'wsproxy-client': '经 WebSocket 隧道工作的 SOCKS 和 HTTP 代理',
      'wsproxy-server': 'WebSocket 隧道的远端',
    },
    settings: '文件中的设置名是去掉两个短横的长选项名；命令行优先于文件。',
    file: '没有 --config 时的配置文件。',
  },
};

/** Of the pages, as the programs have them. */
export type Language = 'en' | 'zh';

interface Words {
  readonly say: (text: string) => string;
  /** Of roff, for the whole page. */
  readonly requests: readonly string[];
  readonly headings: readonly string[];
  readonly short: Readonly<Record<keyof typeof PAGES, string>>;
  readonly settings: string;
  readonly file: string;
}

interface Page {
  readonly name: keyof typeof PAGES;
  readonly section: number;
  readonly table: readonly Row[];
  readonly language?: Language;
  /** What `--help all` prints in that language. */
  readonly help: string;
  readonly version: string;
  readonly date: Date;
}

function optionLines(table: readonly Row[], say: Words['say']): string[] {
  const groups = [...new Set(table.map(({ group }) => group))];
  return groups.flatMap((group) => [
    ...(group === undefined ? [] : [`.SS ${plain(say(group).replace(/[:：]$/, ''))}`]),
    ...table.filter((row) => row.group === group).flatMap(({ flags, text }) => item(flags, say(text))),
  ]);
}

/** From their part of the help: the name at the margin, the text beside it and below. */
function commandLines(block: string): string[] {
  const entries = `  ${block}`.split(/\n(?= {2}\S)/).map((entry) => /^ {2}(\S.*?) {2,}([\s\S]+)$/.exec(entry) ?? []);
  return entries.flatMap(([, term = '', text = '']) => item(term, joined(text)));
}

function item(term: string, text: string): string[] {
  return ['.TP', `\\fB${plain(term)}\\fR`, plain(`${text[0]?.toUpperCase()}${text.slice(1)}`)];
}

/** Lines that were broken for a screen. Chinese has no spaces between its characters, nor beside its marks. */
function joined(text: string): string {
  return text
    .replaceAll(/(?<=[，。、；：！？）》”])\s*\n\s*|\s*\n\s*(?=[（《“])/gu, '')
    .replaceAll(/(?<=\p{Script=Han})\s*\n\s*(?=\p{Script=Han})/gu, '')
    .replaceAll(/\s*\n\s*/g, ' ');
}

/** As it is, no matter what roff makes of it: a hyphen that can be copied, no request at the start of a line. */
function plain(text: string): string {
  const literal = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^[.']/, '\\&$&');
  // A line may end behind a mark of Chinese, which has no space after it.
  return literal.replaceAll(/[，。；：、](?=.)/g, '$&\\:');
}
