import type { ConnectError } from 'wsproxy-engine/connector';

/** What is looked at, in this order. */
export const STEPS = [
  'name',
  'tcp',
  'proxy',
  'tls',
  'clock',
  'http',
  'session',
  'ways',
  'sticky',
  'round trip',
  'reach',
  'datagrams',
  'listening',
  'arrivals',
  'quota',
  'throughput',
  'heartbeat',
  'idle',
] as const;
export type StepName = (typeof STEPS)[number];

/** `warn`: it works, but not as it should; `skip`: could not be looked at, or was not asked for. */
export type Mark = 'ok' | 'warn' | 'fail' | 'skip';

/** What a step has found. */
export interface Finding {
  readonly mark: Mark;
  /** One line, for people. */
  readonly text: string;
  /** What to do about it, one line. */
  readonly cure?: string;
  /** The same for programs: times in ms, rates in bytes a second. */
  readonly figures?: Readonly<Record<string, string | number | readonly string[]>>;
}

/** A finding and the step that has found it. */
export interface StepFinding extends Finding {
  readonly step: StepName;
}

export function ok(text: string, figures?: Finding['figures']): Finding {
  return { mark: 'ok', text, ...(figures && { figures }) };
}

export function warn(text: string, cure: string, figures?: Finding['figures']): Finding {
  return { mark: 'warn', text, cure, ...(figures && { figures }) };
}

export function fail(text: string, cure: string): Finding {
  return { mark: 'fail', text, cure };
}

/** What a connection to the server has failed with. */
export function failed({ what, cure }: ConnectError): Finding {
  return { mark: 'fail', text: what, ...(cure !== undefined && { cure }) };
}

export function skip(text: string): Finding {
  return { mark: 'skip', text };
}

/** A time as it is told. */
export function toTenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** What to do about a way that is not the best. */
export const BY_ITSELF = 'you need not do anything: the client finds the way by itself';
