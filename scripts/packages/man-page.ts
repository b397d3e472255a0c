import { CLIENT, type Row, SERVER } from './option-tables.js';

/** The manual page of a program, for man(1), from the table of its options and what its help says besides. */
export function manPage({ name, section, table, help, version, date }: Page): string {
  const [, usage = '', description = ''] = /^Usage: (.+)\n\n([\s\S]+?)\n\n/.exec(help) ?? [];
  const [, examples = '', more = ''] = /\nExamples:\n([\s\S]+?)\n\n([\s\S]+)$/.exec(help) ?? [];
  const day = date.toISOString().slice(0, 10);
  return `${[
    `.TH ${name.toUpperCase()} ${section} "${day}" "wsproxy ${version}" "wsproxy"`,
    '.SH NAME',
    plain(`${name} - ${SHORT[name]}`),
    '.SH SYNOPSIS',
    plain(usage),
    '.SH DESCRIPTION',
    plain(joined(description)),
    'A setting in a file is the long flag without its dashes; flags win over the file.',
    '.SH OPTIONS',
    ...optionLines(table),
    '.SH COMMANDS',
    ...commandLines(help),
    '.SH FILES',
    ...item(
      `~/.config/wsproxy/${name.replace('wsproxy-', '')}.yaml`,
      'The configuration file, if there is no --config.',
    ),
    '.SH EXAMPLES',
    '.nf',
    ...examples.split('\n').map((line) => plain(line.trim())),
    '.fi',
    '.SH NOTES',
    plain(joined(more.trim())),
  ].join('\n')}\n`;
}

export const PAGES = {
  'wsproxy-client': { section: 1, table: CLIENT },
  'wsproxy-server': { section: 8, table: SERVER },
} as const;

const SHORT: Readonly<Record<keyof typeof PAGES, string>> = {
  'wsproxy-client': 'SOCKS and HTTP proxy through a tunnel over WebSocket',
  'wsproxy-server': 'the far end of a tunnel over WebSocket',
};

interface Page {
  readonly name: keyof typeof PAGES;
  readonly section: number;
  readonly table: readonly Row[];
  /** What `--help all` prints. */
  readonly help: string;
  readonly version: string;
  readonly date: Date;
}

function optionLines(table: readonly Row[]): string[] {
  const groups = [...new Set(table.map(({ group }) => group))];
  return groups.flatMap((group) => [
    ...(group === undefined ? [] : [`.SS ${plain(group.replace(/:$/, ''))}`]),
    ...table.filter((row) => row.group === group).flatMap(({ flags, text }) => item(flags, text)),
  ]);
}

/** From their part of the help: the name at the margin, the text beside it and below. */
function commandLines(help: string): string[] {
  const [, block = ''] = /\nCommands:\n([\s\S]+?)\n\n/.exec(help) ?? [];
  const entries = block.split(/\n(?= {2}\S)/).map((entry) => /^ {2}(\S.*?) {2,}([\s\S]+)$/.exec(entry) ?? []);
  return entries.flatMap(([, term = '', text = '']) => item(term, joined(text)));
}

function item(term: string, text: string): string[] {
  return ['.TP', `\\fB${plain(term)}\\fR`, plain(`${text[0]?.toUpperCase()}${text.slice(1)}`)];
}

function joined(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}

/** As it is, no matter what roff makes of it: a hyphen that can be copied, no request at the start of a line. */
function plain(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^[.']/, '\\&$&');
}
