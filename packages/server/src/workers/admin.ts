import { ADMIN_BOUNDS } from '../admin/admin.js';
import { healthPage } from '../admin/health.js';
import { type AdminOptions, LocalPages, type Page, plain } from '../admin/local-pages.js';
import type { JoinedMetrics } from './joined-metrics.js';
import type { Parent } from './parent.js';

/** The same pages for all workers together as those of one server. */
export function createJoinedAdmin(
  parent: Pick<Parent, 'workers' | 'neverDial' | 'isReady'>,
  metrics: JoinedMetrics,
  { logger, hosts }: Required<AdminOptions>,
): LocalPages {
  const answer = async (path: string): Promise<Page> => {
    if (path === '/metrics') return { status: 200, type: metrics.contentType, body: await metrics.print() };
    if (path !== '/sessions') return healthPage(parent, path) ?? plain(404);
    const sessions = await Promise.all(parent.workers.map((worker) => worker.ask('sessions', ANSWER_TIME)));
    return {
      status: 200,
      type: 'application/json',
      body: `${JSON.stringify({ sessions: sessions.flat().filter(Boolean) })}\n`,
    };
  };
  return new LocalPages(parent, { ...ADMIN_BOUNDS, hosts, answer, logger });
}

/** Anyone who does not answer within that time is left out, ms. */
const ANSWER_TIME = 5_000;
