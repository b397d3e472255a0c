import { type Argument, type Command, Help, type Option } from 'commander';
import type { OptionRule } from 'wsproxy-node/options';
import { displayWidth, say, sayLines, wrapColumns } from '../language/index.js';
import { TableArgument, TableOption } from './table-option.js';

/**
 * The help of a program in one screen: the options whose row says that they are usual, and those without a row. `--help all`
 * shows all of them, and so does a command that has no usual ones.
 */
export function formatHelp(command: Command, help: Help): string {
  const isShort = !isForAll(command) && command.options.some((option) => ruleOf(option)?.usual !== undefined);
  const shown = Object.assign(Object.create(help) as Help, IN_LANGUAGE, isShort && usualOnly(help));
  return Help.prototype.formatHelp.call(shown, command, shown);
}

/** What stands behind the options: for those who want all, more. */
export function addHelpTexts(program: Command, short: string, all: string): Command {
  return program.addHelpText('after', ({ command }) => wrapLines(sayLines(isForAll(command) ? all : short)));
}

/** What commander lets a program change of its texts and of their width. */
const IN_LANGUAGE: Partial<Help> = {
  styleTitle: say,
  styleUsage: sayWords,
  styleSubcommandTerm: sayWords,
  styleDescriptionText: say,
  displayWidth,
  boxWrap: wrapColumns,
};

/** Of a text whose paragraphs are a line each. */
function wrapLines(text: string): string {
  const width = process.stdout.columns ?? 80;
  const lines = text.split('\n').map((line) => (line.startsWith(' ') ? line : wrapColumns(line, width)));
  return lines.join('\n');
}

function sayWords(text: string): string {
  return text.split(' ').map(say).join(' ');
}

function isForAll(command: Command): boolean {
  return /^(-h|--help) all$/.test(command.args.slice(-2).join(' '));
}

function usualOnly(help: Help): Partial<Help> {
  return {
    visibleOptions: (command) => help.visibleOptions(command).filter(isShown),
    optionDescription: (option) => ruleOf(option)?.usual ?? help.optionDescription(option),
    argumentDescription: (argument) => ruleOf(argument)?.usual ?? help.argumentDescription(argument),
  };
}

function isShown(option: Option): boolean {
  const rule = ruleOf(option);
  return rule === undefined || rule.usual !== undefined;
}

function ruleOf(option: Option | Argument): OptionRule | undefined {
  return option instanceof TableOption || option instanceof TableArgument ? option.rule : undefined;
}
