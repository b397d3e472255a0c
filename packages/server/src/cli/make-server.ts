import type { Command } from 'commander';
import { asUsage, libraryOptions, type ProgramLogger } from 'wsproxy-cli';
import type { ClusterTls, ServerOptions } from '../index.js';
import { load } from '../load.js';
import type { Server } from '../server.js';
import { checkReverse, type ReverseFlags } from './check-reverse.js';
import { checkTickets, type TicketFlags } from './check-tickets.js';
import { checkWisp, type WispFlags } from './check-wisp.js';
import { type ClusterFlags, type NodeDoor, nodeDoor, readClusterTls } from './cluster-flags.js';
import { findCredentials } from './credentials.js';
import { followUsers } from './follow-users.js';
import { createServerLog, type LogFlags } from './program-log.js';
import { checkStatePlace } from './state-place.js';
import { type NamedStore, type StoreFlags, storeOf } from './store-flags.js';
import { followTls, readTls, type TlsFlags, tlsFiles } from './tls-files.js';

/** What a server is made of, beside the options of the library. */
export interface MakingFlags
  extends LogFlags,
    TlsFlags,
    TicketFlags,
    WispFlags,
    ReverseFlags,
    ClusterFlags,
    StoreFlags {
  readonly quotaFile?: string;
}

/** Makes the server that `program` was asked for, which follows its files from then on. Rejects with ExitError (usage). */
export async function makeServer(program: Command, making: Making): Promise<MadeServer> {
  const flags = program.opts<MakingFlags>();
  const credentials = await findCredentials(flags, making.env['WSPROXY_TOKEN']);
  const users = credentials.read();
  // After the arguments were judged: `--help` and a missing token need not wait for the rest.
  const { createServer } = await load();
  const logger = await createServerLog(flags, making.fields);
  const files = asUsage(program, () => tlsFiles(flags));
  const tls = files && readTls(files);
  if (flags.quotaFile !== undefined) checkStatePlace(flags.quotaFile, '--quota-file');
  asUsage(program, () => checkReverse(flags));
  asUsage(program, () => checkTickets(flags));
  asUsage(program, () => checkWisp(flags));
  const door = asUsage(program, () => nodeDoor(flags));
  const innerTls = door && asUsage(program, () => readClusterTls(door.files));
  const store = asUsage(program, () => storeOf(program, flags));
  const given = { users, ...libraryOptions(program), ...(tls && { tls }), logger } as ServerOptions;
  const server = asUsage(program, () => createServer(making.adapt?.(given) ?? given));
  const onFiles = { logger: making.isQuiet === true ? SILENT : logger };
  const reloads: (() => void)[] = [];
  if (files && tls) reloads.push(followTls(files, tls, server, onFiles.logger));
  if (credentials.file !== undefined) reloads.push(followUsers(credentials, server, onFiles.logger));
  return {
    ...{ server, logger, users: users.length, tls: tls !== undefined, reloads, onFiles: onFiles.logger },
    ...(door && innerTls && { inner: { door, tls: innerTls } }),
    ...(store && { store }),
    reload: () => {
      if (reloads.length === 0) onFiles.logger.info({}, 'SIGHUP: there is no file to read again');
      for (const reload of reloads) reload();
    },
  };
}

/** Around a server: its environment, and how it is made that is one of several. */
export interface Making {
  readonly env: NodeJS.ProcessEnv;
  /** In each line of the log. */
  readonly fields?: Readonly<Record<string, string | number>>;
  /** Somebody else tells what becomes of files. */
  readonly isQuiet?: boolean;
  /** The options, as this server has them. */
  readonly adapt?: (options: ServerOptions) => ServerOptions;
}

export interface MadeServer {
  readonly server: Server;
  readonly logger: ProgramLogger;
  /** What is told of files. */
  readonly onFiles: ProgramLogger;
  readonly users: number;
  readonly tls: boolean;
  /** The door for other servers, which is to be opened. */
  readonly inner?: { readonly door: NodeDoor; readonly tls: ClusterTls };
  /** What it shares with other servers; `share` has to follow. */
  readonly store?: NamedStore;
  /** What reads each of its files again. */
  readonly reloads: (() => void)[];
  /** Reads all of them. */
  reload(): void;
}

const ignore = (): void => {};
const SILENT: ProgramLogger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
