import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSea } from 'node:sea';
import type { Writable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import type { Command } from 'commander';
import { asUsage, ExitCode, ExitError, escapeText, onTermination, type ProgramLogger } from 'wsproxy-cli';
import { systemClock } from 'wsproxy-engine';
import type { ListenOptions } from '../index.js';
import { FloodLog } from '../limits/flood-log.js';
import { checkQuotaFile, QuotaFile } from '../limits/quota-file.js';
import { MemoryStore } from '../store/memory-store.js';
import { answerWorker } from '../store/parent-store.js';
import type { Store } from '../store/store.js';
import { parseStoreAddress, shownAddress } from '../store/store-address.js';
import { WORKER_VARIABLE } from '../workers/assignment.js';
import type { JoinedMetrics } from '../workers/joined-metrics.js';
import type { KeptPlaces } from '../workers/kept-places.js';
import {
  type Assignment,
  type Door,
  type Introduction,
  MESSAGES_VERSION,
  type ParentSettings,
} from '../workers/messages.js';
import { Parent } from '../workers/parent.js';
import { Reception, serveCrowd } from '../workers/reception.js';
import { StartError, type WorkerEvents, WorkerProcess } from '../workers/worker-process.js';
import { expectRepeatable } from './credentials.js';
import { type Listener, listen, listenForNames, listenForNodes } from './listen.js';
import { settingsOfParent } from './parent-settings.js';
import { createServerLog } from './program-log.js';
import { type PageMakers, serveSight } from './sight.js';
import { checkStatePlace } from './state-place.js';
import { storeOf } from './store-flags.js';
import type { WorkersFlags } from './workers-flags.js';

/** Has workers serve, and holds what they share: the place where connections come in, the pages, the log. Until a signal ends it. */
export async function serveWorkers(program: Command, flags: WorkersFlags, self: NodeJS.Process): Promise<void> {
  const on: { reload?: () => void; renew?: () => void } = {};
  self.on('SIGHUP', () => on.reload?.());
  self.on('SIGUSR2', () => on.renew?.());
  expectRepeatable(flags);
  const logger = await createServerLog(flags);
  const copy = flags.usersFromStore && (await (await import('./users-of-store.js')).copyUsers(program, flags, logger));
  const { retire, drain, grace } = flags;
  const workers = flags.workers === 'auto' ? availableParallelism() : (flags.workers ?? 1);
  const [doors, settings] = [makeDoors(self), settingsOfParent(program)];
  let metrics: JoinedMetrics | undefined;
  const shared = new MemoryStore(systemClock);
  /** What the store calls each worker, by its number. */
  const uids = new Map<number, string>();
  const quotaFile = openQuotaFile(program, flags, shared, logger);
  const crowd = new Set<Reception>();
  const lines = new FloodLog((fields, message) => logger.warn(fields, message), systemClock);
  const receptionAt = (door: Door): Reception =>
    new Reception({
      door: () => door,
      takers: () => parent.takers,
      mostWaiting: () => MOST_WAITING,
      crowd,
      onCrowded: () =>
        lines.write({ source: String(door) }, {}, 'too many connections wait for a worker, one was reset'),
      onError: (error) => logger.error({ err: error }, 'could not accept a connection'),
    });
  const [reception, nodes, names] = [receptionAt('clients'), receptionAt('nodes'), receptionAt('names')];
  const places = flags.reverse === true ? await keepPlaces(crowd, logger) : undefined;
  const parent = new Parent({
    ...{ workers, retire, drain, longestSilence: grace + BEYOND_GRACE, logger },
    start: (number, speaksForAll, events) => {
      const assignment = { version: MESSAGES_VERSION, number, workers, speaksForAll, doors };
      const onPlace: WorkerEvents['onPlace'] = (...message) => places?.onMessage(...message);
      const worker = startWorker(self, assignment, { ...events, onPlace });
      const enter = (uid: string): Store => {
        uids.set(number, uid);
        return shared.enter(uid);
      };
      worker.onMessage(answerWorker(worker, enter));
      return worker;
    },
    isListening: () => reception.isListening,
    onFree: () => serveCrowd(crowd),
    onEnded: (worker, ending) => {
      // Those who get its listeners find its places.
      places?.forget(worker);
      shared.forget(uids.get(worker.number) ?? '');
      uids.delete(worker.number);
      metrics?.onEnded(worker, ending);
    },
    onSettings: (now) => tellChanges(settings, now, logger),
  });
  on.reload = () => parent.reload();
  // From the first worker on: a signal that ended this process at once would leave behind what it has made.
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    onTermination(resolve);
  });
  const first = await Promise.race([begin(parent, self.stderr), stopped]);
  if (typeof first === 'string') {
    await parent.stop(0);
    return;
  }
  const pages: PageMakers = {
    health: async (options) => (await import('../admin/health.js')).createHealth(parent, options),
    admin: async (options) => {
      metrics = new (await import('../workers/joined-metrics.js')).JoinedMetrics(
        parent,
        Date.now() / 1_000 - self.uptime(),
      );
      return (await import('../workers/admin.js')).createJoinedAdmin(parent, metrics, options);
    },
  };
  // First there and last gone: it tells that the server is not ready yet, and that it drains.
  const sight = await serveSight(pages, flags, logger);
  const placeOf = (where: Reception): Listener => ({
    async listen(options: ListenOptions) {
      const address = await where.listen(options);
      if (address !== undefined) parent.neverDial(address);
      return address;
    },
  });
  const cluster = flags.clusterListen && (await listenForNodes(placeOf(nodes), flags.clusterListen));
  // Clients that come may ask for names at once.
  const reverseHttp = flags.reverseHttp && (await listenForNames(placeOf(names), flags.reverseHttp));
  const ready = {
    ...{ version: first.version, nodejs: self.versions.node, users: first.users },
    ...{ listen: await listen(placeOf(reception), flags.listen, self), path: flags.path, tls: first.tls },
    ...{ ...sight.listening, allowPrivate: flags.allowPrivate === true, udp: first.udp },
    ...{ reverse: flags.reverse === true, workers },
    ...(reverseHttp !== undefined && { reverseHttp }),
    ...(cluster !== undefined && { cluster }),
    ...(flags.cluster !== undefined && { store: shownAddress(parseStoreAddress(flags.cluster)) }),
  };
  on.renew = () => void parent.renew();
  logger.info(ready, 'ready');
  const signal = await stopped;
  logger.info({ signal, ...(await parent.counts()), drainMs: drain }, 'stopping');
  const unfinished = await parent.stop(drain);
  if (copy) copy.close();
  await quotaFile?.close();
  for (const each of [reception, nodes, names]) each.close();
  places?.close();
  lines.flush();
  if (unfinished > 0) logger.warn({ channels: unfinished }, 'connections were cut that did not finish in time');
  await sight.close();
}

/** The file in which the bytes of the month of all workers are kept, if there is to be one. */
function openQuotaFile(
  program: Command,
  flags: WorkersFlags,
  accounts: MemoryStore,
  logger: ProgramLogger,
): QuotaFile | undefined {
  asUsage(program, () => storeOf(program, flags));
  const { quotaFile: path } = flags;
  if (path === undefined) return undefined;
  checkStatePlace(path, '--quota-file');
  asUsage(program, () => checkQuotaFile(path));
  return new QuotaFile({ path, accounts, clock: systemClock, logger });
}

/** Starts workers for the first time. What is wrong then is told by one of them, as a server without workers tells it. */
async function begin(parent: Parent, stderr: Writable): Promise<Introduction> {
  try {
    return await parent.begin();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const { ending, output } = error;
    stderr.write(output);
    if (ending.code === ExitCode.usage) throw new ExitError(ExitCode.usage, [], { cause: error });
    const how = ending.signal ?? `exit code ${ending.code}`;
    throw new ExitError(ExitCode.failed, `a worker has ended before it was ready, with ${how}`, { cause: error });
  }
}

/** What the workers hold for remote listeners. */
async function keepPlaces(crowd: Set<Reception>, logger: ProgramLogger): Promise<KeptPlaces> {
  // Not where nobody may listen.
  const [{ holdsOfSystem }, { KeptPlaces }] = await Promise.all([
    import('../listeners/places-of-system.js'),
    import('../workers/kept-places.js'),
  ]);
  // Workers hear datagrams themselves.
  const holds = holdsOfSystem({ logger, clock: systemClock, udpIdle: 0, isPassedOn: true });
  const onCrowded = (): void =>
    logger.debug({}, 'too many connections to a remote listener wait for a worker, one was reset');
  return new KeptPlaces({ holds, clock: systemClock, crowd, onCrowded });
}

/** The program as it stands on the disk now, with the same arguments, as a worker. */
function startWorker(
  { argv, env, execArgv, execPath, stderr }: NodeJS.Process,
  assignment: Assignment,
  events: Omit<WorkerEvents, 'write'>,
): WorkerProcess {
  // The executable that holds the program (docs/install.md) has no script: what follows it are the flags.
  const words = isSea() ? argv.slice(2) : argv.slice(1);
  const child = spawn(execPath, [...execArgv, ...words], {
    env: { ...env, [WORKER_VARIABLE]: JSON.stringify(assignment) },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  return new WorkerProcess(assignment.number, child, { ...events, write: (...lines) => writeLines(stderr, ...lines) });
}

/** All lines go to one stream, so that those of several workers never mix. */
function writeLines(stderr: Writable, lines: string, onTaken: () => void): boolean {
  const isSlow = stderr.writableLength > MOST_QUEUED;
  stderr.write(lines, () => isSlow && onTaken());
  return !isSlow;
}

/** A folder for the sockets by which workers reach each other, which nobody else may enter; it goes with this process. */
function makeDoors(self: NodeJS.Process): string {
  // With systemd's RuntimeDirectory= it is there, where others see it; several are set apart by colons.
  const [runtime] = (self.env['RUNTIME_DIRECTORY'] ?? '').split(':');
  const place = runtime || tmpdir();
  const folder = makeFolder(place, runtime ? 'RUNTIME_DIRECTORY' : 'TMPDIR');
  self.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `variable` says where it is to be. */
function makeFolder(place: string, variable: string): string {
  const fail = (why: string, cause?: unknown): ExitError => {
    const shown = escapeText(place, 1024);
    const text = `cannot make the sockets of the workers in ${shown}: ${why}; set ${variable} to another folder`;
    return new ExitError(ExitCode.failed, text, { cause });
  };
  if (Buffer.byteLength(place) > LONGEST_PLACE) throw fail(`its path is longer than ${LONGEST_PLACE} bytes`);
  try {
    return mkdtempSync(join(place, 'wsproxy-'));
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw fail(NO_FOLDER[code] ?? message, error);
  }
}

const NO_FOLDER: Readonly<Record<string, string>> = {
  EACCES: 'no permission',
  ENOENT: 'there is no such folder',
  ENOSPC: 'no space left',
  ENOTDIR: 'it is no folder',
  EROFS: 'it can only be read',
};

/** Bytes: of the 103 that the path of a Unix socket may have on every system, `/wsproxy-XXXXXX/` and a name take 28. */
const LONGEST_PLACE = 75;

/** New workers have read settings that only a restart changes. */
function tellChanges(before: ParentSettings, now: ParentSettings, logger: ProgramLogger): void {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  // It has come as a message.
  const known: unknown = JSON.parse(JSON.stringify(before));
  const settings = [...names].filter((name) => !isDeepStrictEqual((known as ParentSettings)[name], now[name]));
  if (settings.length > 0) logger.warn({ settings }, 'changed, but counts only from the next start on');
}

/** A client waits for its session as long as that; a worker that is silent for longer has nothing that anybody waits for, ms. */
const BEYOND_GRACE = 60_000;
/** Connections that may wait for a worker; beyond them new ones are reset. */
const MOST_WAITING = 1_024;
/** Bytes that wait for a slow reader of the log before workers wait too. */
const MOST_QUEUED = 262_144;
