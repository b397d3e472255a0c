import { type Argument, type Command, Help, type Option } from 'commander';
import type { OptionRule } from 'wsproxy-node/options';
import { TableArgument, TableOption } from './table-option.js';

/**
 * The help of a program in one screen: the options whose row says that they are usual, and those without a row. `--help all`
 * shows all of them, and so does a command that has no usual ones.
 */
export function formatHelp(command: Command, help: Help): string {
  const isShort = !isForAll(command) && command.options.some((option) => ruleOf(option)?.usual !== undefined);
  const shown = isShort ? Object.assign(Object.create(help) as Help, usualOnly(help)) : help;
  return Help.prototype.formatHelp.call(shown, command, shown);
}

/** What stands behind the options: for those who want all, more. */
export function addHelpTexts(program: Command, short: string, all: string): Command {
  return program.addHelpText('after', ({ command }) => (isForAll(command) ? all : short));
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
