import { silentLogger } from 'wsproxy-engine';
import type { Server } from '../server.js';
import { healthPage } from './health.js';
import { type AdminOptions, LocalPages, type Page, plain } from './local-pages.js';
import type { Metrics } from './metrics.js';

/** Connections at a time: monitoring needs few; and how long they may take, ms. */
export const ADMIN_BOUNDS = { places: 64, time: 10_000 } as const;

/**
 * Serves `/healthz`, `/readyz`, `/metrics` and `/sessions` of a server, on a port of their own. Metrics count from this
 * call on, so make it before the server listens.
 */
export async function createAdmin(server: Server, options: AdminOptions = {}): Promise<Admin> {
  const { logger = silentLogger, hosts = [] } = options;
  // It brings prom-client, tens of milliseconds: only those who ask for metrics wait for it.
  const { Metrics } = await import('./metrics.js');
  const metrics = new Metrics(server);
  server.observe(metrics);
  const answer = (path: string): Promise<Page> => page(server, metrics, path);
  return new LocalPages(server, { ...ADMIN_BOUNDS, hosts, answer, logger });
}

/** The admin pages of one server. */
export type Admin = LocalPages;

async function page(server: Server, metrics: Metrics, path: string): Promise<Page> {
  if (path === '/metrics') return { status: 200, type: metrics.contentType, body: await metrics.print() };
  if (path !== '/sessions') return healthPage(server, path) ?? plain(404);
  return { status: 200, type: 'application/json', body: `${JSON.stringify({ sessions: server.sessions() })}\n` };
}
