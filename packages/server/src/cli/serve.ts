import type { Command } from 'commander';
import { onTermination } from 'wsproxy-cli';
import { joinCluster } from './cluster-flags.js';
import { type ListenAt, type Listener, listen, listenForNames } from './listen.js';
import { type MakingFlags, makeServer } from './make-server.js';
import { createServerLog } from './program-log.js';
import { pagesOf, type SightFlags, serveSight } from './sight.js';

/** What of `program.opts()` is used to serve; the rest goes to the library as it is. */
export interface ServeFlags extends MakingFlags, SightFlags {
  readonly listen: ListenAt;
  readonly path: string;
  readonly allowPrivate?: boolean;
  readonly drain: number;
}

/** Serves from this process alone, until a signal ends it. */
export async function serve(program: Command, flags: ServeFlags, self: NodeJS.Process): Promise<void> {
  // First of all: without a handler the signal would end the process, no matter what there is to read again.
  let isToReload = false;
  let reload = (): void => {
    isToReload = true;
  };
  self.on('SIGHUP', () => reload());
  const copy =
    flags.usersFromStore &&
    (await (await import('./users-of-store.js')).copyUsers(program, flags, await createServerLog(flags)));
  const made = await makeServer(program, self);
  const { server, logger, users, tls, inner, store } = made;
  reload = () => made.reload();
  // What was read may have been older.
  if (isToReload) reload();
  self.on('SIGUSR2', () => logger.info({}, 'SIGUSR2: without --workers nothing is replaced'));
  const { VERSION } = await import('wsproxy-engine');

  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    onTermination(resolve);
  });
  // First there and last gone: it tells that the server is not ready yet, and that it drains.
  const sight = await serveSight(await pagesOf(server), flags, logger);
  // From the first client on.
  if (store !== undefined) await server.share(store.options);
  const cluster = inner && (await joinCluster(server, inner.door, inner.tls, logger));
  if (cluster !== undefined) made.reloads.push(cluster.reload);
  // Clients that come may ask for names at once.
  const names: Listener = { listen: (options) => server.listenReverseHttp(options) };
  const reverseHttp = flags.reverseHttp && (await listenForNames(names, flags.reverseHttp));
  const ready = {
    ...{ version: VERSION, nodejs: self.versions.node, users },
    ...{ listen: await listen(server, flags.listen, self), path: flags.path, tls },
    ...{ ...sight.listening, allowPrivate: flags.allowPrivate === true, udp: server.hasFlows },
    reverse: flags.reverse === true,
    ...(reverseHttp !== undefined && { reverseHttp }),
    ...(cluster !== undefined && { route: server.route, cluster: cluster.at }),
    ...(store !== undefined && { store: store.shown }),
  };
  logger.info(ready, 'ready');
  const signal = await stopped;
  const flows = server.sessions().reduce((count, session) => count + session.flows.length, 0);
  if (copy) copy.close();
  logger.info({ signal, channels: server.channelCount, flows, drainMs: flags.drain }, 'stopping');
  const unfinished = await server.close({ drain: flags.drain });
  if (unfinished > 0) logger.warn({ channels: unfinished }, 'connections were cut that did not finish in time');
  await sight.close();
}
