import { TunnelError } from 'wsproxy-engine';
import { askQuota } from '../account/ask-quota.js';
import { type Finding, fail, ok, skip, warn } from './finding.js';
import type { ProbeSession } from './probe-session.js';

/** Of what may be carried in a month; beyond it deserves a word. */
const MUCH = 0.9;

/** What of the month's bytes is used; and how many may still be carried, Infinity for any number. */
export async function checkQuota(probe: ProbeSession): Promise<[Finding, left: number]> {
  if (!probe.tellsAccount) return [skip('the server tells nothing of it: it is older than this program'), Infinity];
  const answer = await askQuota(probe.session).catch(refusalOf);
  if (answer instanceof TunnelError) return [skip(`the server does not tell it now: ${answer.message}`), Infinity];
  const { bytes, limit, endsAt } = answer;
  const figures = { bytes, endsAt, ...(limit !== undefined && { limit }) };
  const day = endsAt.slice(0, 10);
  if (limit === undefined) return [ok(`${megabytes(bytes)} this month, and there is no limit`, figures), Infinity];
  const text = `${megabytes(bytes)} of ${megabytes(limit)} used this month, which ends before ${day} (UTC)`;
  const left = Math.max(0, limit - bytes);
  if (left === 0) return [{ ...fail(text, `wait for ${day}, or ask the operator of the server for more`), figures }, 0];
  if (bytes >= MUCH * limit) return [warn(text, 'ask the operator of the server for more', figures), left];
  return [ok(text, figures), left];
}

function refusalOf(error: unknown): TunnelError {
  if (error instanceof TunnelError) return error;
  throw error;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
