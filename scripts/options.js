// docs/options.md, made of the tables of options (packages/*/src/options/options.ts) once they are compiled.
//
//   node scripts/options.js            fails if the page is not as it would be made
//   node scripts/options.js --write    makes it
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COMMON_INIT_OPTIONS, COMMON_OPTIONS, formatNumber, namesFile, rangeOf } from '../packages/cli/dist/index.js';
import { OPTIONS as CLIENT_OPTIONS, DOCTOR_OPTIONS } from '../packages/client/dist/options/options.js';
import { isNumberRule } from '../packages/node/dist/options/index.js';
import { INIT_OPTIONS } from '../packages/server/dist/options/init-options.js';
import { OPTIONS as SERVER_OPTIONS } from '../packages/server/dist/options/options.js';

const root = new URL('../', import.meta.url);

const INTRODUCTION = `# Options

Write an option as a flag, as a setting in a file, or as an option of the library. \`config check\` reports every mistake in a file with
its line. More about each is in [client.md](client.md), [deploy.md](deploy.md), [policy.md](policy.md),
[limits.md](limits.md), [reverse.md](reverse.md) and [api.md](api.md).

* **In a file** a setting is the long flag without its dashes. \`--no-x\` is \`x: false\`. Paths count from the folder of the file.
  A *repeatable* setting takes one value or a list. Flags win over the file. The file is the one of \`--config\`, or
  \`~/.config/wsproxy/client.yaml\` and \`server.yaml\` (below \`$XDG_CONFIG_HOME\` if that is set).
* **In the library** \`createClient\` and \`createServer\` take the options by the names in the third column, if there is one. The options of
  the doctor are for \`diagnose\`. A *repeatable* option is a list of strings, unless the table says otherwise. For a file of the command line
  the library takes its content.
* **Times** are \`500ms\`, \`30s\`, \`2m\` or \`1h\`, and ms in the library. **Sizes** are \`65536\`, \`64k\`, \`10M\`, \`1G\` or \`2T\`, powers
  of 1024, and bytes in the library. **Rates** are sizes for each second. A word for 0, such as \`off\`, is 0 in the library.
* No message shows a *secret* value. Only its owner may be able to read a file with a secret in it.
* An unknown option, or a value out of its range, gets one line that names it. The programs end with exit code 2. The library throws an
  \`OptionError\` with \`option\` and \`problem\`.

Made by \`node scripts/options.js --write\` from the tables that check the flags, the files and the libraries.
`;

/** docs/options.md. */
export function optionsPage() {
  const server = Object.entries(SERVER_OPTIONS);
  const groups = new Set(server.map(([, { group }]) => group).filter((group) => group !== undefined));
  const ofGroup = (wanted) => server.filter(([, { group }]) => group === wanted);
  return [
    INTRODUCTION,
    section('## wsproxy-client', Object.entries(CLIENT_OPTIONS)),
    section('### wsproxy-client doctor', Object.entries(DOCTOR_OPTIONS).map(ofCommand)),
    section('### wsproxy-client init', Object.entries(COMMON_INIT_OPTIONS).map(ofCommand)),
    section('## wsproxy-server', ofGroup(undefined)),
    ...[...groups].map((group) => section(`### ${group.replace(':', '')}`, ofGroup(group))),
    section('### wsproxy-server init', Object.entries({ ...INIT_OPTIONS, ...COMMON_INIT_OPTIONS }).map(ofCommand)),
    section('## Both programs', Object.entries(COMMON_OPTIONS)),
  ].join('\n');
}

function section(title, rows) {
  const head = `| flag | in a file | in the library | values | default | meaning |\n|---|---|---|---|---|---|`;
  return `${title}\n\n${head}\n${rows.map(rowOf).join('\n')}\n`;
}

/** A command has no settings in a file. */
function ofCommand([key, rule]) {
  return [key, { ...rule, inFile: false }];
}

function rowOf([key, rule]) {
  const { flags, library = key, text, env, inFile = true } = rule;
  const words = isNumberRule(rule) ? text.replace('{range}', rangeOf(rule)) : text;
  const cells = [
    code(flags),
    code(inFile ? settingOf(flags) : undefined),
    code(library || undefined),
    valuesOf(rule),
    defaultOf(rule),
  ];
  return `| ${cells.join(' | ')} | ${words}${env === undefined ? '' : `; or in \`${env}\``} |`;
}

function settingOf(flags = '') {
  return /--(?:no-)?([\w-]+)/.exec(flags)?.[1] ?? /^\[(\w+)/.exec(flags)?.[1];
}

function valuesOf(rule) {
  const repeatable = rule.list === undefined ? '' : ', repeatable';
  if (isNumberRule(rule)) return `${rangeOf(rule)}${repeatable}`;
  if ('choices' in rule) return rule.choices.map(code).join(', ');
  if (rule.unit === 'switch') return '`true`, `false`';
  const unit = namesFile(rule) && rule.unit !== 'file' ? `file: ${rule.unit}` : rule.unit;
  return `${unit}${repeatable}${rule.secret ? ', secret' : ''}`;
}

function defaultOf(rule) {
  if (rule.otherwise !== undefined) return rule.otherwise;
  if (rule.default === undefined) return '';
  return code(isNumberRule(rule) ? formatNumber(rule, rule.default) : rule.default);
}

function code(text) {
  return text === undefined ? '' : `\`${text}\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = new URL('docs/options.md', root);
  const page = optionsPage();
  if (process.argv.includes('--write')) writeFileSync(file, page);
  else if (readFileSync(file, 'utf8') !== page) {
    console.error('docs/options.md is not as the tables of options say: run node scripts/options.js --write');
    process.exitCode = 1;
  }
}
