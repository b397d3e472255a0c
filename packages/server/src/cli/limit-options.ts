import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatDuration, formatSize, parseDuration, parseSize } from 'wsproxy-cli';
import { LIMITS, type LimitName, type LimitOptions, type LimitRule, problemOf } from '../limits/limits.js';

/** Each limit's flag. */
const FLAGS: Readonly<Record<LimitName, string>> = {
  unauthenticated: '--max-unauthenticated',
  upgradeTimeout: '--upgrade-timeout',
  sessions: '--max-sessions',
  sessionsPerUser: '--max-sessions-per-user',
  channels: '--max-channels',
  channelsPerSession: '--max-channels-per-session',
  opensPerSecond: '--max-opens-per-second',
  opensBurst: '--max-opens-burst',
  pendingDials: '--max-pending-dials',
  dialTimeout: '--dial-timeout',
  lookupTimeout: '--lookup-timeout',
  lookups: '--max-lookups',
  memory: '--max-memory',
  memoryPerSession: '--max-memory-per-session',
  sockets: '--max-sockets',
  idleTimeout: '--idle-timeout',
  halfClosedTimeout: '--half-closed-timeout',
  keepalive: '--keepalive',
  rateUp: '--limit-rate-up',
  rateDown: '--limit-rate-down',
  monthlyBytes: '--max-monthly-bytes',
};

const UNITS = {
  count: { placeholder: '<number>', parse: parseCount, format: String },
  ms: { placeholder: '<duration>', parse: parseDuration, format: formatDuration },
  bytes: { placeholder: '<size>', parse: parseSize, format: formatSize },
  rate: { placeholder: '<size>', parse: parseSize, format: formatSize },
} as const;

/** Adds a flag for every limit. */
export function addLimitOptions(program: Command): void {
  for (const name of limitNames) program.addOption(optionOf(name));
}

/** The limits among the options that `addLimitOptions` has added. */
export function limitsOf(options: object): LimitOptions {
  const given = options as Readonly<Record<string, number>>;
  return Object.fromEntries(limitNames.map((name) => [name, given[optionOf(name).attributeName()]]));
}

const limitNames = Object.keys(FLAGS) as LimitName[];

function optionOf(name: LimitName): Option {
  const rule = LIMITS[name];
  const { placeholder, format } = UNITS[rule.unit];
  const shown = rule.default === 0 && rule.zero !== undefined ? rule.zero : format(rule.default);
  return new Option(`${FLAGS[name]} ${placeholder}`, rule.text)
    .argParser((text) => parseLimit(rule, text))
    .default(rule.default, shown)
    .helpGroup('Limits:');
}

function parseLimit(rule: LimitRule, text: string): number {
  const { parse, format } = UNITS[rule.unit];
  const value = text === rule.zero ? 0 : parse(text);
  if (problemOf(rule, value) === undefined) return value;
  const zero = rule.zero === undefined ? '' : `, or "${rule.zero}"`;
  throw new InvalidArgumentError(`Expected ${format(rule.min)} to ${format(rule.max)}${zero}.`);
}

function parseCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number.');
}
