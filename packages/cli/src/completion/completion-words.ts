import type { Command, Option } from 'commander';
import { TableOption } from '../options/table-option.js';

/** All that a shell can complete of a program. */
export interface CompletionWords {
  /** Of the program. */
  readonly name: string;
  /** Those without a command come first, with an empty name. */
  readonly commands: readonly CommandWords[];
}

export interface CommandWords {
  readonly name: string;
  readonly text: string;
  readonly flags: readonly FlagWords[];
  /** Commands below it, or the values of its argument. */
  readonly words: readonly string[];
}

export interface FlagWords {
  /** `-D` and `--listen`. */
  readonly names: readonly string[];
  readonly text: string;
  /** What follows it: nothing, one of these words, the name of a file, or something that no shell knows. */
  readonly value: 'none' | 'file' | 'other' | readonly string[];
}

export function completionWords(program: Command): CompletionWords {
  const whole = { ...wordsOf(program), name: '', words: program.commands.map((command) => command.name()) };
  return { name: program.name(), commands: [whole, ...program.commands.map(wordsOf)] };
}

function wordsOf(command: Command): CommandWords {
  const [argument] = command.registeredArguments;
  return {
    name: command.name(),
    text: command.description(),
    flags: [...command.options.map(flagOf), HELP],
    words: argument?.argChoices ?? command.commands.map((each) => each.name()),
  };
}

const HELP: FlagWords = { names: ['-h', '--help'], text: 'print help', value: 'none' };

function flagOf(option: Option): FlagWords {
  const text = (option instanceof TableOption ? option.rule.usual : undefined) ?? option.description;
  return {
    names: [option.short, option.long].filter((name) => name !== undefined),
    // Up to where it goes into details; each shell has one line for it.
    text: /^[^;:.(,]*/.exec(text)?.[0].trim() || text,
    value: valueAfter(option),
  };
}

function valueAfter(option: Option): FlagWords['value'] {
  if (!option.required && !option.optional) return 'none';
  return option.argChoices ?? (/<(file|dir|path)>$/.test(option.flags) ? 'file' : 'other');
}
