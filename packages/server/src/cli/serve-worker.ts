import { rmSync } from 'node:fs';
import type { Command } from 'commander';
import { ExitCode, ExitError } from 'wsproxy-cli';
import type { ServerOptions } from '../index.js';
import { isUnderstood } from '../workers/assignment.js';
import type { Assignment, Question } from '../workers/messages.js';
import { ParentLink } from '../workers/parent-link.js';
import type { PlacesOfParent } from '../workers/places-of-parent.js';
import { shareLimits } from '../workers/share-limits.js';
import { joinWithoutPort } from './cluster-flags.js';
import { makeServer } from './make-server.js';
import { settingsOfParent } from './parent-settings.js';
import type { WorkersFlags } from './workers-flags.js';

/** Serves what the parent hands over, until it says that this is the end, or is gone. */
export async function serveWorker(
  program: Command,
  flags: WorkersFlags,
  self: NodeJS.Process,
  assignment: Assignment,
): Promise<void> {
  // Signals are the parent's: a terminal, or systemd, sends them to all processes of the server.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const) self.on(signal, () => {});
  // Its parent has ended meanwhile: nobody needs it, and alone it serves nobody.
  if (!self.connected) return;
  if (!isUnderstood(assignment)) {
    throw new ExitError(
      ExitCode.usage,
      'the server that runs is of another release, and cannot start this one: restart it',
    );
  }
  const { LIMITS } = await import('../limits/limits.js');
  const made = await makeServer(program, {
    env: self.env,
    fields: { worker: assignment.number },
    isQuiet: !assignment.speaksForAll,
    // The parent keeps that file.
    adapt: ({ quotaFile: _, ...options }: ServerOptions) => ({
      ...options,
      limits: shareLimits(options.limits ?? {}, LIMITS, assignment.workers),
    }),
  });
  const { server, users, tls } = made;
  const metrics = flags.admin === undefined ? undefined : new (await import('../admin/metrics.js')).Metrics(server);
  if (metrics !== undefined) server.observe(metrics);
  const { VERSION } = await import('wsproxy-engine');

  const answers: Readonly<Record<Question, () => unknown>> = {
    counts: () => {
      const flows = server.sessions().reduce((count, session) => count + session.flows.length, 0);
      return { channels: server.channelCount, flows };
    },
    metrics: () => metrics?.values(),
    sessions: () => server.sessions(),
  };
  let end: (unfinished: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  let isEnding = false;
  const close = (drain: number): void => {
    if (isEnding) return;
    isEnding = true;
    void server.close({ drain }).then(end);
  };
  let places: PlacesOfParent | undefined;
  const link = new ParentLink(self, {
    onConnection: (connection, door) => {
      if (typeof door === 'object') return places?.onConnection(connection, door.held) === true;
      if (door === 'nodes') server.handleInnerConnection(connection);
      else if (door === 'names') server.handleReverseHttpConnection(connection);
      else server.handleConnection(connection);
      return true;
    },
    countSessions: () => server.sessionCount,
    answer: (question) => answers[question](),
    onListening: (address) => server.neverDial(address),
    onTicketKeys: (keys) => server.setTicketKeys(keys),
    onReload: () => made.reload(),
    onRetire: (retire, drain) => void server.retire(retire).then(() => close(drain)),
    onStop: close,
    onHoldNews: (news) => places?.onNews(news),
    // Nobody would send it anything any more, nor tell it to end; no matter what it waited for, it waits no longer.
    onAlone: () => {
      // Nobody else is left who could.
      self.once('exit', () => rmSync(assignment.doors, { recursive: true, force: true }));
      void server.close().then(end);
    },
  });
  const begin = async (): Promise<void> => {
    if (flags.reverse === true) {
      const { PlacesOfParent } = await import('../workers/places-of-parent.js');
      server.holdBy(({ udp }) => {
        places = new PlacesOfParent((message) => link.askPlace(message), udp);
        return places.holds;
      });
    }
    if (flags.reverseHttp !== undefined) await server.listenReverseHttp();
    // What users have in all workers counts together, from the first client on.
    await server.share(made.store?.options ?? { store: link });
    // What comes to another worker, and belongs to this one, comes by there.
    await server.listenInner({ workers: assignment.doors });
    if (made.inner !== undefined) made.reloads.push(await joinWithoutPort(server, made.inner, made.onFiles));
    link.introduce({
      ...{ route: server.route, version: VERSION, users, tls, udp: server.hasFlows },
      settings: settingsOfParent(program),
    });
  };
  await Promise.race([begin(), ended]);
  await link.leave(await ended, await metrics?.values());
}
