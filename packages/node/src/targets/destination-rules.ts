import type { Mistake } from '../options/option-error.js';
import type { AddressClass } from './address-class.js';
import { classifyRange } from './classify-range.js';
import { type DestinationRule, matchesDestination, type Protocol, parseDestinationRule } from './destination-rule.js';

/**
 * Which destinations may be dialled, in plain values, as they stand in files and on command lines. docs/policy.md
 * explains the entries and the order in which they count.
 */
export interface DestinationRules {
  /** Opened although denied by default: `10.1.0.0/16:5432`, `*.example.org`. Default: none. */
  readonly allow?: readonly string[];
  /** Denied even if allowed: `203.0.113.7`, `*.example.org:22`; `*` denies what `allow` does not name. */
  readonly deny?: readonly string[];
  /**
   * Opens loopback, private and link-local destinations and the host's own addresses, not metadata services. Default
   * false.
   */
  readonly allowPrivate?: boolean;
  /** Opens ports that are denied by default, which is 25: `25`, `1-1023`. Default: none. */
  readonly allowPorts?: readonly string[];
}

/** A rule that opens something. */
export interface AllowRule extends DestinationRule {
  /** The class of every address it holds; undefined when it stands for names, or for addresses of several classes. */
  readonly addressClass: AddressClass | undefined;
  /** Whether it stands for one address alone. */
  readonly isExact: boolean;
}

/** The same, ready for use. */
export interface CompiledRules {
  readonly allow: readonly AllowRule[];
  readonly deny: readonly DestinationRule[];
  /** Whether only what `allow` names may be dialled. */
  isClosed(protocol: Protocol): boolean;
  readonly allowPrivate: boolean;
  isPortOpen(port: number, protocol: Protocol): boolean;
}

/** SMTP: anyone who lets strangers relay mail is on every block list within a day. */
const CLOSED_PORT = 25;
/** As entries of `deny` they are no rules that win over `allow`, but the default. */
const EVERYTHING: ReadonlySet<string> = new Set(['*', '*/tcp', '*/udp']);
const KEYS: ReadonlySet<string> = new Set<keyof DestinationRules>(['allow', 'deny', 'allowPrivate', 'allowPorts']);

/** What is wrong with the rules, one line for every mistake. */
export function checkRules(rules: DestinationRules): readonly string[] {
  return mistakesInRules(rules).map(lineOf);
}

export function mistakesInRules(rules: DestinationRules): readonly Mistake[] {
  return readRules(rules).mistakes;
}

/**
 * @throws TypeError with one line for every mistake
 */
export function compileRules(rules: DestinationRules): CompiledRules {
  const { mistakes, compiled } = readRules(rules);
  if (mistakes.length > 0) throw new TypeError(mistakes.map(lineOf).join('\n'));
  return compiled;
}

function lineOf({ key, problem }: Mistake): string {
  return `${key}: ${problem}`;
}

function readRules(rules: DestinationRules): { mistakes: readonly Mistake[]; compiled: CompiledRules } {
  const mistakes: Mistake[] = [];
  const read = <T>(key: keyof DestinationRules, parse: (text: string) => T): T[] => {
    const entries: unknown = rules[key] ?? [];
    // What comes from a file has no type yet.
    if (!Array.isArray(entries)) {
      mistakes.push({ key, problem: 'expected a list' });
      return [];
    }
    return entries.flatMap((entry: unknown) => {
      try {
        return [parse(String(entry))];
      } catch (error) {
        mistakes.push({ key, problem: (error as Error).message });
        return [];
      }
    });
  };

  for (const key of Object.keys(rules)) {
    if (!KEYS.has(key)) mistakes.push({ key, problem: `no such rule; expected one of ${[...KEYS].join(', ')}` });
  }
  const { allowPrivate = false } = rules;
  if (typeof allowPrivate !== 'boolean') mistakes.push({ key: 'allowPrivate', problem: 'expected true or false' });
  const allow = read('allow', parseAllowed);
  const deny = read('deny', parseDestinationRule);
  const ports = read('allowPorts', parsePorts);
  const compiled = {
    allow,
    deny: deny.filter(({ text }) => !EVERYTHING.has(text)),
    isClosed: (protocol: Protocol) => deny.some((rule) => EVERYTHING.has(rule.text) && concerns(rule, protocol)),
    allowPrivate,
    isPortOpen: (port: number, protocol: Protocol) =>
      port !== CLOSED_PORT || ports.some((rule) => matchesDestination(rule, '', port, protocol)),
  };
  return { mistakes, compiled };
}

function concerns(rule: DestinationRule, protocol: Protocol): boolean {
  return rule.protocol === undefined || rule.protocol === protocol;
}

function parsePorts(text: string): DestinationRule {
  try {
    if (/^\d+([,-]\d+)*(\/(tcp|udp))?$/.test(text)) return parseDestinationRule(text);
  } catch {
    // It says what a destination is.
  }
  throw new TypeError(
    `not a port: ${JSON.stringify(text.slice(0, 300))}; expected ports such as 25, 1-1023, 25,587 or 25/tcp`,
  );
}

function parseAllowed(text: string): AllowRule {
  const rule = parseDestinationRule(text);
  const addressClass = rule.range && classifyRange(rule.range);
  // The unspecified address is loopback by another name; TCP knows no multicast, and who sends it by UDP cannot be answered.
  if (addressClass === 'unspecified' || addressClass === 'multicast') {
    throw new TypeError(`${rule.text} is ${addressClass}: nothing of it is ever a destination`);
  }
  return { ...rule, addressClass, isExact: rule.range?.prefix === (rule.range?.address.includes(':') ? 128 : 32) };
}
