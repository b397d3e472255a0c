import type { GiveUpSignal, ListeningAddress, Policy } from 'wsproxy-node/dial';

/** What may be dialled from here, for anyone who must not reach everything that this machine does. */
export interface DirectRules {
  /** Opened although it is private: as `allow` of a server. */
  readonly allow: readonly string[];
  /** Where this process listens now: never a destination. */
  readonly listening: () => readonly ListeningAddress[];
  /** Runs a dial once it may begin: others may have to come to an end before. */
  readonly inTurn: <T>(dial: () => Promise<T>, signal: GiveUpSignal) => Promise<T>;
}

/**
 * As a server has them by default; undefined without rules.
 * @throws TypeError with everything that is wrong with them
 */
export async function policyOf(
  rules: Pick<DirectRules, 'allow' | 'listening'> | undefined,
): Promise<Policy | undefined> {
  if (rules === undefined) return undefined;
  const { createPolicies } = await import('wsproxy-node/dial');
  const { allow, listening } = rules;
  return createPolicies({ allow }, { listening })();
}
