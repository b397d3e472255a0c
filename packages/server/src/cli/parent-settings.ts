import type { Command } from 'commander';
import { TableOption } from 'wsproxy-cli';
import type { ParentSettings } from '../workers/messages.js';

/** What is the business of the parent alone: it reads them once, when it starts. */
const OF_PARENT = [
  ...['listen', 'admin', 'health', 'adminHost', 'reverseHttp', 'clusterListen'],
  ...['workers', 'retire', 'drain', 'name', 'logLevel', 'logFormat', 'lang'],
];

/** Those, by the names that they have in a configuration file. */
export function settingsOfParent(program: Command): ParentSettings {
  const rows = program.options.flatMap((option) => {
    if (!(option instanceof TableOption) || !OF_PARENT.includes(option.key)) return [];
    const value: unknown = program.getOptionValue(option.attributeName());
    return value === undefined ? [] : [[option.setting ?? option.key, value] as const];
  });
  return Object.fromEntries(rows);
}
