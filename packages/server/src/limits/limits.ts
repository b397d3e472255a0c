import { OptionError } from 'wsproxy-node/options';

const COUNT = { unit: 'count', min: 1, max: 10_000_000 } as const;
const TIME = { unit: 'ms', min: 100, max: 86_400_000 } as const;
const RATE = { unit: 'rate', default: 0, min: 1_024, max: 2 ** 40, zero: 'none' } as const;

/** Every limit of a server: option, metric and line in the log have its name. Documented in docs/limits.md. */
export const LIMITS: Readonly<Record<LimitName, LimitRule>> = {
  unauthenticated: { ...COUNT, default: 1_024, text: 'connections that have not shown a token yet' },
  upgradeTimeout: { ...TIME, default: 10_000, text: 'time for a connection to become a WebSocket' },
  sessions: { ...COUNT, default: 1_000, text: 'sessions at a time' },
  sessionsPerUser: { ...COUNT, default: 8, text: 'sessions of one user at a time' },
  channels: { ...COUNT, default: 16_384, text: 'connections to destinations at a time' },
  channelsPerSession: { ...COUNT, default: 1_024, text: 'connections of one session to destinations at a time' },
  opensPerSecond: {
    ...COUNT,
    default: 200,
    text: 'connections that a session may begin each second, on average; more wait',
  },
  opensBurst: {
    ...COUNT,
    default: 1_000,
    text: 'connections that a session may begin at once, before the rate counts',
  },
  pendingDials: { ...COUNT, default: 256, text: 'connections of one session being dialled; more wait' },
  dialTimeout: {
    ...TIME,
    default: 10_000,
    text: 'time for dialling, name lookup included; to wait for it, as long again',
  },
  lookupTimeout: { ...TIME, default: 5_000, text: 'time for looking a name up' },
  lookups: { ...COUNT, default: 512, text: 'names looked up at a time' },
  memory: {
    unit: 'bytes',
    default: 1_073_741_824,
    min: 65_536,
    max: 2 ** 50,
    text: 'memory for the data of all connections',
  },
  memoryPerSession: {
    unit: 'bytes',
    // What the protocol lets a session hold in any case: windows of 32 MiB, and 16 MiB to be sent again.
    default: 50_331_648,
    min: 65_536,
    max: 50_331_648,
    text: 'the same for those of one session',
  },
  sockets: {
    ...COUNT,
    default: 0,
    zero: 'auto',
    text: 'sockets of clients and destinations; auto: 90 % of the descriptors (ulimit -n), 32 spare',
  },
  idleTimeout: { ...TIME, default: 0, zero: 'off', text: 'time after which a silent connection is reset' },
  halfClosedTimeout: {
    ...TIME,
    default: 300_000,
    zero: 'off',
    text: 'the same once one side has ended',
  },
  keepalive: { ...TIME, default: 60_000, zero: 'off', text: 'silence of a destination before TCP asks for it' },
  rateUp: { ...RATE, text: 'bytes a second from one user to destinations' },
  rateDown: { ...RATE, text: 'bytes a second from destinations to one user' },
  monthlyBytes: {
    unit: 'bytes',
    default: 0,
    min: 1_048_576,
    max: 2 ** 53 - 1,
    zero: 'none',
    text: 'bytes of one user in a calendar month, both ways; a restart forgets what was counted',
  },
};

/** One limit: its range, and its default. */
export interface LimitRule {
  /** `rate` is bytes a second. */
  readonly unit: 'count' | 'ms' | 'bytes' | 'rate';
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** The word for 0, where 0 is allowed although it is below `min`. */
  readonly zero?: string;
  /** What it bounds, in a few words. */
  readonly text: string;
}

export type LimitName =
  | 'unauthenticated'
  | 'upgradeTimeout'
  | 'sessions'
  | 'sessionsPerUser'
  | 'channels'
  | 'channelsPerSession'
  | 'opensPerSecond'
  | 'opensBurst'
  | 'pendingDials'
  | 'dialTimeout'
  | 'lookupTimeout'
  | 'lookups'
  | 'memory'
  | 'memoryPerSession'
  | 'sockets'
  | 'idleTimeout'
  | 'halfClosedTimeout'
  | 'keepalive'
  | 'rateUp'
  | 'rateDown'
  | 'monthlyBytes';

/** Units, defaults and ranges: `LIMITS`. */
export type Limits = { readonly [name in LimitName]: number };
export type LimitOptions = Partial<Limits>;

/**
 * The limits that hold, those not given by default.
 * @throws OptionError that names the first one out of its range, or unknown
 */
export function resolveLimits(options: LimitOptions = {}): Limits {
  const limits = {} as { [name in LimitName]: number };
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(LIMITS, name)) throw new OptionError(`limits.${name}`, 'there is no such limit');
  }
  for (const [name, rule] of Object.entries(LIMITS) as [LimitName, LimitRule][]) {
    const value = options[name] ?? rule.default;
    const problem = problemOf(rule, value);
    if (problem !== undefined) throw new OptionError(`limits.${name}`, problem);
    limits[name] = value;
  }
  return limits;
}

/** What is wrong with `value`, in one line; undefined when nothing is. */
export function problemOf(rule: LimitRule, value: number): string | undefined {
  if (Number.isSafeInteger(value) && value >= rule.min && value <= rule.max) return undefined;
  if (value === 0 && rule.zero !== undefined) return undefined;
  const zero = rule.zero === undefined ? '' : `, or 0 (${rule.zero})`;
  const unit = { count: '', ms: ' ms', bytes: ' bytes', rate: ' bytes a second' }[rule.unit];
  return `expected a whole number from ${rule.min} to ${rule.max}${unit}${zero}, got ${value}`;
}
