import { silentLogger } from 'wsproxy-engine';
import type { Server } from '../server.js';
import { type AdminOptions, LocalPages, type Page, plain } from './local-pages.js';

/** Few, and for a short time: anyone who asks how a server is does so at once. */
const PLACES = 16;
const TIME = 2_000;

/** Serves the pages for those who restart a server, or send it clients: on a port that others do not share. */
export function createHealth(
  server: Pick<Server, 'isReady' | 'neverDial'>,
  { logger = silentLogger, hosts = [] }: AdminOptions = {},
): Health {
  const answer = (path: string): Page => healthPage(server, path) ?? plain(404);
  return new LocalPages(server, { places: PLACES, time: TIME, hosts, answer, logger });
}

/** `/healthz` and `/readyz` of a server, on a port of their own. */
export type Health = LocalPages;

/** The page at `path`, if it is one of them. */
export function healthPage(server: Pick<Server, 'isReady'>, path: string): Page | undefined {
  if (path === '/healthz') return plain(200, 'ok\n');
  if (path !== '/readyz') return undefined;
  return server.isReady ? plain(200, 'ready\n') : plain(503, 'not ready\n');
}
