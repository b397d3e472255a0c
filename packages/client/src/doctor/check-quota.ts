import { ACCOUNT, readQuota } from '../account/read-account.js';
import { type Finding, fail, ok, skip, warn } from './finding.js';
import type { ProbeSession } from './probe-session.js';

/** Of what may be carried in a month; beyond it deserves a word. */
const MUCH = 0.9;

/** What of the month's bytes is used; and how many may still be carried, Infinity for any number. */
export async function checkQuota(probe: ProbeSession): Promise<[Finding, left: number]> {
  const { outcome } = await probe.ask(ACCOUNT);
  if (outcome !== 'open') return [skip('the server tells nothing of it: it is older than this program'), Infinity];
  const { bytes, limit, endsAt } = await readQuota(probe.open(ACCOUNT));
  const figures = { bytes, endsAt, ...(limit !== undefined && { limit }) };
  const day = endsAt.slice(0, 10);
  if (limit === undefined) return [ok(`${megabytes(bytes)} this month, and there is no limit`, figures), Infinity];
  const text = `${megabytes(bytes)} of ${megabytes(limit)} used this month, which ends before ${day} (UTC)`;
  const left = Math.max(0, limit - bytes);
  if (left === 0) return [{ ...fail(text, `wait for ${day}, or ask the operator of the server for more`), figures }, 0];
  if (bytes >= MUCH * limit) return [warn(text, 'ask the operator of the server for more', figures), left];
  return [ok(text, figures), left];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
