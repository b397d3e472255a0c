import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { TableOption } from '../options/table-option.js';

/** What the command line says for a configuration file. */
export type Settings = ReadonlyMap<string, readonly string[]>;

/**
 * The flags of `program` among the words of a command line that can stand in a configuration file, as they were written there:
 * each with its values. Paths are made absolute, since those in a file count from its folder.
 */
export function givenSettings(program: Command, words: readonly string[]): Settings {
  // Once more, since the program itself has kept what its parsers made of them.
  const reader = new Command().allowUnknownOption().exitOverride();
  const options = program.options.filter((option) => option instanceof TableOption);
  for (const { flags } of options) {
    const option = new Option(flags);
    if (option.required) option.argParser<string[]>((text, before) => [...(before ?? []), text]);
    reader.addOption(option);
  }
  reader.parseOptions([...words]);
  const given = new Map<string, readonly string[]>();
  for (const option of options) {
    const name = option.attributeName();
    if (option.setting === undefined || reader.getOptionValueSource(name) !== 'cli') continue;
    const value = reader.getOptionValue(name) as readonly string[] | boolean;
    const texts = typeof value === 'boolean' ? [String(value)] : value;
    const isPath = /<(?:file|dir|path)>$/.test(option.flags);
    given.set(
      option.setting,
      texts.map((text) => (isPath && !text.startsWith('/') ? resolve(text) : text)),
    );
  }
  return given;
}

/** A line of a configuration file. */
export function settingLine(name: string, values: readonly string[]): string {
  const [only = ''] = values;
  return `${name}: ${values.length === 1 ? scalar(only) : `[${values.map(scalar).join(', ')}]`}\n`;
}

/**
 * The text of a configuration file with other settings: those that have a line there get their new value in it, the others come
 * at the end. Without a value a setting goes, with the comment before it.
 */
export function withSettings(text: string, settings: ReadonlyMap<string, readonly string[] | undefined>): string {
  let changed = text;
  for (const [name, values] of settings) {
    const line = new RegExp(`^${name}: .*\\n`, 'm');
    if (values === undefined) changed = changed.replace(new RegExp(`(?:^# .*\\n)*${line.source}`, 'm'), '');
    else if (line.test(changed)) changed = changed.replace(line, () => settingLine(name, values));
    else changed += settingLine(name, values);
  }
  return changed;
}

/** With quotes where YAML would read something else. */
function scalar(text: string): string {
  const isPlain = /^[\w/][\w./:@+-]*$/.test(text) && !/:$/.test(text);
  const isSwitch = text === 'true' || text === 'false';
  return isSwitch || (isPlain && !/^(?:null|true|false|~)$/i.test(text)) ? text : JSON.stringify(text);
}
