import { type NumberRule, OptionError, problemOfNumber } from 'wsproxy-node/options';

const COUNT = { unit: 'count', min: 1, max: 10_000_000 } as const;
const TIME = { unit: 'ms', min: 100, max: 86_400_000 } as const;
const RATE = { unit: 'rate', default: 0, min: 1_024, max: 2 ** 40, zero: 'none' } as const;

/** Every limit of a server: option, metric and line in the log have its name. Documented in docs/limits.md. */
export const LIMITS: Readonly<Record<LimitName, LimitRule>> = {
  unauthenticated: {
    flags: '--max-unauthenticated <number>',
    ...COUNT,
    default: 1_024,
    text: 'connections that have not shown a token yet',
  },
  upgradeTimeout: {
    flags: '--upgrade-timeout <duration>',
    ...TIME,
    default: 10_000,
    text: 'time for a connection to become a WebSocket',
  },
  sessions: { flags: '--max-sessions <number>', ...COUNT, default: 1_000, text: 'sessions at a time' },
  sessionsPerUser: {
    flags: '--max-sessions-per-user <number>',
    ...COUNT,
    default: 0,
    zero: 'auto',
    text: 'sessions of one user at a time; auto: 8, or 32 where pages come in by tickets or Wisp',
  },
  channels: {
    flags: '--max-channels <number>',
    ...COUNT,
    default: 16_384,
    text: 'connections to destinations at a time',
  },
  channelsPerSession: {
    flags: '--max-channels-per-session <number>',
    ...COUNT,
    default: 1_024,
    text: 'connections of one session to destinations at a time',
  },
  flowsPerUser: {
    flags: '--max-flows-per-user <number>',
    ...COUNT,
    default: 1_024,
    text: 'flows of datagrams (UDP) of one user at a time',
  },
  flowsPerSession: {
    flags: '--max-flows-per-session <number>',
    ...COUNT,
    default: 256,
    text: 'the same of one session',
  },
  newPeersPerSecond: {
    flags: '--max-new-peers-per-second <number>',
    ...COUNT,
    default: 200,
    text: 'destinations that the flows of one session may begin to send to each second, on average',
  },
  newPeersBurst: {
    flags: '--max-new-peers-burst <number>',
    ...COUNT,
    default: 1_000,
    text: 'the same at once, before the rate counts',
  },
  datagramsPerSecond: {
    flags: '--max-datagrams-rate <number>',
    ...COUNT,
    default: 30_000,
    zero: 'none',
    text: 'datagrams that may come for one user each second; a flow is ended after 5s of more',
  },
  udpIdle: {
    flags: '--udp-idle <duration>',
    ...TIME,
    default: 120_000,
    text: 'time after which a silent flow is ended; 10s at most if it has asked nameservers alone',
  },
  listenersPerUser: {
    flags: '--max-listeners-per-user <number>',
    ...COUNT,
    default: 32,
    text: 'remote listeners of one user at a time',
  },
  listenBacklog: {
    flags: '--listen-backlog <number>',
    ...COUNT,
    default: 64,
    text: 'connections that wait at a remote listener until its client answers; one more is reset',
  },
  failedDialsPerSecond: {
    flags: '--max-failed-dials-per-second <number>',
    formerly: ['limits.opensPerSecond', '--max-opens-per-second'],
    ...COUNT,
    default: 200,
    text: 'dials of one user that may fail each second, on average; further ones wait',
  },
  failedDialsBurst: {
    flags: '--max-failed-dials-burst <number>',
    formerly: ['limits.opensBurst', '--max-opens-burst'],
    ...COUNT,
    default: 1_000,
    text: 'dials of one user that may fail at once, before the rate counts',
  },
  pendingDials: {
    flags: '--max-pending-dials <number>',
    ...COUNT,
    default: 256,
    text: 'connections of one session being dialled; more wait',
  },
  dialTimeout: {
    flags: '--dial-timeout <duration>',
    ...TIME,
    default: 10_000,
    text: 'time for dialling, name lookup included; to wait for it, as long again',
  },
  lookupTimeout: { flags: '--lookup-timeout <duration>', ...TIME, default: 5_000, text: 'time for looking a name up' },
  lookups: { flags: '--max-lookups <number>', ...COUNT, default: 512, text: 'names looked up at a time' },
  memory: {
    flags: '--max-memory <size>',
    unit: 'bytes',
    default: 1_073_741_824,
    min: 65_536,
    max: 2 ** 50,
    text: 'memory for the data of all connections',
  },
  memoryPerSession: {
    flags: '--max-memory-per-session <size>',
    unit: 'bytes',
    // What the protocol lets a session hold in any case: windows of 32 MiB, and 16 MiB to be sent again.
    default: 50_331_648,
    min: 65_536,
    max: 50_331_648,
    text: 'the same for those of one session',
  },
  sockets: {
    flags: '--max-sockets <number>',
    ...COUNT,
    default: 0,
    zero: 'auto',
    text: 'sockets of clients and destinations; auto: 90 % of the descriptors (ulimit -n), 32 spare',
  },
  portsPerDestination: {
    flags: '--max-ports-per-destination <number>',
    ...COUNT,
    default: 0,
    zero: 'auto',
    text: 'local ports left behind towards one destination; auto: what the system has',
  },
  idleTimeout: {
    flags: '--idle-timeout <duration>',
    ...TIME,
    default: 0,
    zero: 'off',
    text: 'time after which a silent connection is reset',
  },
  halfClosedTimeout: {
    flags: '--half-closed-timeout <duration>',
    ...TIME,
    default: 300_000,
    zero: 'off',
    text: 'the same once one side has ended',
  },
  keepalive: {
    flags: '--keepalive <duration>',
    ...TIME,
    default: 60_000,
    zero: 'off',
    text: 'silence of a destination before TCP asks for it',
  },
  rateUp: { flags: '--limit-rate-up <size>', ...RATE, text: 'bytes a second from one user to destinations' },
  rateDown: { flags: '--limit-rate-down <size>', ...RATE, text: 'bytes a second from destinations to one user' },
  monthlyBytes: {
    flags: '--max-monthly-bytes <size>',
    unit: 'bytes',
    default: 0,
    min: 1_048_576,
    max: 2 ** 53 - 1,
    zero: 'none',
    text: 'bytes of one user in a calendar month, both ways (--quota-file)',
  },
};

/** One limit: its range, its default, and its flag. */
export interface LimitRule extends NumberRule {
  readonly flags: string;
  readonly default: number;
}

export type LimitName =
  | 'unauthenticated'
  | 'upgradeTimeout'
  | 'sessions'
  | 'sessionsPerUser'
  | 'channels'
  | 'channelsPerSession'
  | 'flowsPerUser'
  | 'flowsPerSession'
  | 'newPeersPerSecond'
  | 'newPeersBurst'
  | 'datagramsPerSecond'
  | 'udpIdle'
  | 'listenersPerUser'
  | 'listenBacklog'
  | 'failedDialsPerSecond'
  | 'failedDialsBurst'
  | 'pendingDials'
  | 'dialTimeout'
  | 'lookupTimeout'
  | 'lookups'
  | 'memory'
  | 'memoryPerSession'
  | 'sockets'
  | 'portsPerDestination'
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
 * The limits that hold, those not given by default. `hasPages`: they come in by tickets or Wisp.
 * @throws OptionError that names the first one out of its range, or unknown
 */
export function resolveLimits(options: LimitOptions = {}, hasPages = false): Limits {
  const limits = {} as { [name in LimitName]: number };
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(LIMITS, name)) throw new OptionError(`limits.${name}`, 'there is no such option');
  }
  for (const [name, rule] of Object.entries(LIMITS) as [LimitName, LimitRule][]) {
    const value = options[name] ?? rule.default;
    const problem = problemOfNumber(rule, value);
    if (problem !== undefined) throw new OptionError(`limits.${name}`, problem);
    limits[name] = value;
  }
  if (limits.sessionsPerUser === 0) limits.sessionsPerUser = hasPages ? SESSIONS_WITH_TABS : SESSIONS;
  return limits;
}

/** Of one user. */
const SESSIONS = 8;
/** The same where each tab of a browser has a session of its own, or, by Wisp, each WebSocket of it. */
const SESSIONS_WITH_TABS = 32;
