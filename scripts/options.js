// docs/options.md and docs/zh/options.md, made of the tables of options (packages/*/src/options/options.ts) and of the catalogue of
// Chinese texts (packages/cli/src/chinese) once they are compiled.
//
//   node scripts/options.js            fails if a page is not as it would be made
//   node scripts/options.js --write    makes them
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COMMON_INIT_OPTIONS, COMMON_OPTIONS, formatNumber, namesFile, rangeOf } from '../packages/cli/dist/index.js';
import { OPTIONS as CLIENT_OPTIONS, DOCTOR_OPTIONS } from '../packages/client/dist/options/options.js';
import { isNumberRule } from '../packages/node/dist/options/index.js';
import { INIT_OPTIONS } from '../packages/server/dist/options/init-options.js';
import { OPTIONS as SERVER_OPTIONS } from '../packages/server/dist/options/options.js';
import { CHINESE } from './options-chinese.js';

const root = new URL('../', import.meta.url);

/** How a page is written: its texts, and what says the texts of the tables and the kinds of values. */
const ENGLISH = {
  introduction: `# Options

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
`,
  heads: ['flag', 'in a file', 'in the library', 'values', 'default', 'meaning'],
  bothPrograms: 'Both programs',
  inEnvironment: '; or in ',
  say: (text) => text,
  sayKind: (unit) => unit,
  comma: ', ',
  colon: ': ',
};

const LANGUAGES = { 'docs/options.md': ENGLISH, 'docs/zh/options.md': CHINESE };

/** Each page, by its path. */
export function optionsPages() {
  return Object.fromEntries(Object.entries(LANGUAGES).map(([path, language]) => [path, pageIn(language)]));
}

function pageIn(language) {
  const { introduction, bothPrograms, say } = language;
  const server = Object.entries(SERVER_OPTIONS);
  const groups = new Set(server.map(([, { group }]) => group).filter((group) => group !== undefined));
  const ofGroup = (wanted) => server.filter(([, { group }]) => group === wanted);
  const section = (title, rows) => `${title}\n\n${headOf(language)}\n${rows.map(rowIn(language)).join('\n')}\n`;
  return [
    introduction,
    section('## wsproxy-client', Object.entries(CLIENT_OPTIONS)),
    section('### wsproxy-client doctor', Object.entries(DOCTOR_OPTIONS).map(ofCommand)),
    section('### wsproxy-client init', Object.entries(COMMON_INIT_OPTIONS).map(ofCommand)),
    section('## wsproxy-server', ofGroup(undefined)),
    ...[...groups].map((group) => section(`### ${say(group).replace(/[:：]/, '')}`, ofGroup(group))),
    section('### wsproxy-server init', Object.entries({ ...INIT_OPTIONS, ...COMMON_INIT_OPTIONS }).map(ofCommand)),
    section(`## ${bothPrograms}`, Object.entries(COMMON_OPTIONS)),
  ].join('\n');
}

function headOf({ heads }) {
  return `| ${heads.join(' | ')} |\n|${'---|'.repeat(heads.length)}`;
}

/** A command has no settings in a file. */
function ofCommand([key, rule]) {
  return [key, { ...rule, inFile: false }];
}

function rowIn(language) {
  const { say, inEnvironment } = language;
  return ([key, rule]) => {
    const { flags, library = key, text, env, inFile = true } = rule;
    const words = isNumberRule(rule) ? text.replace('{range}', rangeOf(rule)) : text;
    const cells = [
      code(flags),
      code(inFile ? settingOf(flags) : undefined),
      code(library || undefined),
      valuesOf(rule, language),
      defaultOf(rule, language),
      `${say(words)}${env === undefined ? '' : `${inEnvironment}\`${env}\``}`,
    ];
    return `| ${cells.join(' | ')} |`;
  };
}

function settingOf(flags = '') {
  return /--(?:no-)?([\w-]+)/.exec(flags)?.[1] ?? /^\[(\w+)/.exec(flags)?.[1];
}

function valuesOf(rule, { sayKind, comma, colon }) {
  const repeatable = rule.list === undefined ? [] : [sayKind('repeatable')];
  if (isNumberRule(rule)) return [sayKind(rangeOf(rule)), ...repeatable].join(comma);
  if ('choices' in rule) return rule.choices.map(code).join(comma);
  if (rule.unit === 'switch') return `\`true\`${comma}\`false\``;
  const isPath = namesFile(rule) && rule.unit !== 'file';
  const unit = isPath ? `${sayKind('file')}${colon}${sayKind(rule.unit)}` : sayKind(rule.unit);
  return [unit, ...repeatable, ...(rule.secret ? [sayKind('secret')] : [])].join(comma);
}

function defaultOf(rule, { say }) {
  if (rule.otherwise !== undefined) return say(rule.otherwise);
  if (rule.default === undefined) return '';
  return code(isNumberRule(rule) ? formatNumber(rule, rule.default) : rule.default);
}

function code(text) {
  return text === undefined ? '' : `\`${text}\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, page] of Object.entries(optionsPages())) {
    const file = new URL(path, root);
    if (process.argv.includes('--write')) writeFileSync(file, page);
    else if (readFileSync(file, 'utf8') !== page) {
      console.error(`${path} is not as the tables of options say: run node scripts/options.js --write`);
      process.exitCode = 1;
    }
  }
}
