import type { Command } from 'commander';
import { libraryOptions, namesFile, readTokens, type TableArgument, type TableOption } from 'wsproxy-cli';
import { type OptionRule, problemOf } from 'wsproxy-node/options';
import { createServer } from '../index.js';
import { OPTION_CHECKS } from '../options/option-checks.js';
import type { ServerUnit } from '../options/server-unit.js';
import { soleUser } from '../users/directory.js';
import { checkReverse, type ReverseFlags } from './check-reverse.js';
import { checkTickets, type TicketFlags } from './check-tickets.js';
import { checkWisp, type WispFlags } from './check-wisp.js';
import { type ClusterFlags, nodeDoor, readClusterTls } from './cluster-flags.js';
import { checkStatePlace } from './state-place.js';
import { type StoreFlags, storeOf } from './store-flags.js';
import { readPem, readTls, type TlsFlags, tlsFiles } from './tls-files.js';
import { readUsers } from './users-file.js';
import { checkWorkers, type WorkersFlags } from './workers-flags.js';

/** Rejects with what is wrong with one setting of the configuration file by itself, so that it can be told with its line. */
export async function checkSetting(option: TableOption | TableArgument, value: unknown): Promise<void> {
  const rule = option.rule as OptionRule<ServerUnit>;
  const problem = namesFile(rule) ? undefined : problemOf(rule, OPTION_CHECKS, value);
  if (problem !== undefined) throw new TypeError(problem);
  if (rule.unit === 'state file') checkStatePlace(String(value), option.label);
  if (namesFile(rule)) readFileOf(rule, option.label, String(value));
}

/** Rejects with OptionError when the settings of `program` do not go together. */
export async function checkSettings(program: Command): Promise<void> {
  const flags = program.opts<
    TlsFlags & TicketFlags & WispFlags & ReverseFlags & ClusterFlags & WorkersFlags & StoreFlags
  >();
  checkReverse(flags);
  checkTickets(flags);
  checkWisp(flags);
  checkWorkers(program, flags);
  storeOf(program, flags);
  const door = nodeDoor(flags);
  if (door !== undefined) readClusterTls(door.files);
  const files = tlsFiles(flags);
  // It was judged by itself, and a server would move one that is broken aside.
  const { quotaFile: _, ...options } = libraryOptions(program);
  // Making one does nothing else than to judge its options.
  const server = createServer({
    users: [soleUser('x'.repeat(32))],
    ...options,
    ...(files && { tls: readTls(files) }),
  });
  await server.close();
}

function readFileOf(rule: OptionRule<ServerUnit>, flag: string, path: string): void {
  switch (rule.unit) {
    case 'users':
      return void readUsers(path);
    case 'token':
      return void readTokens({ file: path });
    default:
      if (readPem(path, flag, rule.secret).includes('-----BEGIN ')) return;
      throw new TypeError(`${path} is not in PEM form`);
  }
}
