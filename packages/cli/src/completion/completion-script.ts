import type { CommandWords, CompletionWords, FlagWords } from './completion-words.js';

/** The script that completes the command line of a program in a shell. */
export function completionScript(shell: Shell, words: CompletionWords): string {
  return SCRIPTS[shell](words);
}

export type Shell = (typeof SHELLS)[number];

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

const SCRIPTS: Readonly<Record<Shell, (words: CompletionWords) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
  powershell: powershellScript,
};

function bashScript({ name, commands }: CompletionWords): string {
  const flags = allFlags(commands);
  const listed = flags.filter(({ value }) => typeof value !== 'string');
  return `# bash completion of ${name}; made by: ${name} completion bash
${functionOf(name)}() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= word words=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in ${namesOf(commands).join('|')}) command=$word; break ;; esac
  done
  COMPREPLY=()
  case $before in
    # Without words, bash completes names of files.
    ${patternOf(flags, 'file')}) return ;;
${listed.map(({ names, value }) => `    ${names.join('|')}) words='${[value].flat().join(' ')}' ;;\n`).join('')}    ${patternOf(flags, 'other')}) compopt +o default 2>/dev/null; return ;;
    *)
      case $command in
${[...commands]
  .reverse()
  .map((each) => `        ${each.name || '*'}) words='${wordsAndFlags(each).join(' ')}' ;;\n`)
  .join('')}      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F ${functionOf(name)} ${name}
`;
}

function zshScript({ name, commands }: CompletionWords): string {
  const [whole] = commands;
  return `#compdef ${name}
# zsh completion of ${name}; made by: ${name} completion zsh
${functionOf(name)}() {
  local -a commands
  local at
  commands=(${commands
    .slice(1)
    .map((each) => `\n    ${quoted(`${each.name}:${each.text}`)}`)
    .join('')}
  )
  for ((at = 2; at < CURRENT; at++)); do
    case $words[at] in
${commands
  .slice(1)
  .map(
    (each) =>
      `      ${each.name}) shift at-1 words; ((CURRENT -= at - 1)); _arguments -s ${zshArguments(each)}; return ;;\n`,
  )
  .join('')}    esac
  done
  _arguments -s ${whole === undefined ? '' : zshFlags(whole)} '*:command:{ _describe command commands }'
}
if [[ $funcstack[1] == ${zshFile(name)} ]]; then ${functionOf(name)} "$@"; else compdef ${functionOf(name)} ${name}; fi
`;
}

function zshArguments(command: CommandWords): string {
  const words = command.words.length === 0 ? '*:file:_files' : `1:word:(${command.words.join(' ')})`;
  return `${zshFlags(command)} ${quoted(words)}`;
}

function zshFlags({ flags }: CommandWords): string {
  return flags
    .flatMap(({ names, text, value }) => {
      const what = { none: '', file: ':file:_files', other: ':value: ' };
      const action = typeof value === 'string' ? what[value] : `:value:(${value.join(' ')})`;
      const told = text.replaceAll(/[[\]:\\]/g, '\\$&');
      return names.map((name) => quoted(`*${name}[${told}]${action}`));
    })
    .join(' ');
}

function fishScript({ name, commands }: CompletionWords): string {
  const names = namesOf(commands).join(' ');
  const lines = commands.flatMap((command) => {
    const when =
      command.name === '' ? `not __fish_seen_subcommand_from ${names}` : `__fish_seen_subcommand_from ${command.name}`;
    const begin = `complete -c ${name} -n ${quoted(when)}`;
    const texts = new Map(commands.map((each) => [each.name, each.text]));
    const words = command.words.map((word) => {
      const text = command.name === '' ? ` -d ${quoted(texts.get(word) ?? '')}` : '';
      return `${begin} -f -a ${quoted(word)}${text}`;
    });
    return [...words, ...command.flags.map((flag) => `${begin} ${fishFlag(flag)}`)];
  });
  return `# fish completion of ${name}; made by: ${name} completion fish\n${lines.join('\n')}\n`;
}

function fishFlag({ names, text, value }: FlagWords): string {
  const ways = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const kinds = { none: '-f', file: '-rF', other: '-x' };
  const kind = typeof value === 'string' ? kinds[value] : `-x -a ${quoted(value.join(' '))}`;
  return `${ways.join(' ')} ${kind} -d ${quoted(text)}`;
}

function powershellScript({ name, commands }: CompletionWords): string {
  const table = commands.map(
    (each) =>
      `    '${each.name}' = @(${wordsAndFlags(each)
        .map((word) => `'${word}'`)
        .join(', ')})`,
  );
  const lists = allFlags(commands).flatMap(({ names, value }) =>
    typeof value === 'string'
      ? []
      : names.map((flag) => `    '${flag}' = @(${value.map((word) => `'${word}'`).join(', ')})`),
  );
  return `# PowerShell completion of ${name}; made by: ${name} completion powershell
Register-ArgumentCompleter -Native -CommandName '${name}' -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @{
${table.join('\n')}
  }
  $values = @{
${lists.join('\n')}
  }
  $given = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
  $before = $given | Where-Object { $_ -ne $wordToComplete } | Select-Object -Last 1
  $command = $given | Select-Object -Skip 1 | Where-Object { $_ -and $words.ContainsKey($_) } | Select-Object -First 1
  $list = if ($values.ContainsKey("$before")) { $values["$before"] } else { $words["$command"] }
  $list | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`;
}

function wordsAndFlags({ words, flags }: CommandWords): string[] {
  return [...words, ...flags.flatMap(({ names }) => names)];
}

function allFlags(commands: readonly CommandWords[]): FlagWords[] {
  return commands.flatMap(({ flags }) => flags);
}

function namesOf(commands: readonly CommandWords[]): string[] {
  return commands.map(({ name }) => name).filter((name) => name !== '');
}

/** What a `case` of a shell takes; never empty. */
function patternOf(flags: readonly FlagWords[], kind: 'file' | 'other'): string {
  const names = flags.filter(({ value }) => value === kind).flatMap((flag) => flag.names);
  return names.length === 0 ? "''" : [...new Set(names)].join('|');
}

function functionOf(program: string): string {
  return `_${program.replaceAll('-', '_')}`;
}

/** zsh finds it by this name in its `fpath`. */
function zshFile(program: string): string {
  return `_${program}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
