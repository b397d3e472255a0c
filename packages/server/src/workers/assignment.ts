import { type Assignment, MESSAGES_VERSION } from './messages.js';

/** Where a parent leaves what a worker has to know from its beginning. */
export const WORKER_VARIABLE = 'WSPROXY_WORKER';

/** What this process is, if a parent has started it as a worker; undefined otherwise. */
export function readAssignment({ env }: Pick<NodeJS.Process, 'env'>): Assignment | undefined {
  const text = env[WORKER_VARIABLE];
  if (text === undefined) return undefined;
  // Anything that this process may start is none.
  delete env[WORKER_VARIABLE];
  return JSON.parse(text) as Assignment;
}

/** Whether worker and parent understand each other. */
export function isUnderstood({ version }: Assignment): boolean {
  return version === MESSAGES_VERSION;
}
