import { ExitCode, ExitError, parseDuration, parseSize, readSecretFile } from 'wsproxy-cli';
import { booleanOf, hasPlace, isMap, isScalar, isSeq, type LineMistake, sourceOf, YamlText } from 'wsproxy-cli/yaml';
import { isDigestOfNothing, OptionError } from 'wsproxy-node/options';
import { mistakesInRules } from 'wsproxy-node/targets';
import type { DestinationRules, UserEntry, UserLimits, UserToken } from '../index.js';
import { parseListenRule } from '../listeners/rules/listen-rule.js';
import { UserDirectory } from '../users/directory.js';
import { isTokenLabel, TOKEN_LABEL_EXPECTED } from '../users/token-label.js';
import { isUserId, USER_ID_EXPECTED } from '../users/user-id.js';
import { parseTime } from './time.js';

/** The text is no list of users. */
export class UsersFileError extends Error {
  override readonly name = 'UsersFileError';
  readonly mistakes: readonly LineMistake[];

  constructor(mistakes: readonly LineMistake[]) {
    super(mistakes.map(({ line, message }) => `line ${line}: ${message}`).join('; '));
    this.mistakes = mistakes;
  }
}

/** Some 10 000 users. */
export const MOST_BYTES = 4_194_304;

/**
 * The users in a file that only its owner may read.
 * @throws ExitError (usage), with a line for every mistake
 */
export function readUsers(path: string, flag?: string): readonly UserEntry[] {
  return usersIn(path, readUsersText(path, flag));
}

/**
 * What stands in such a file.
 * @throws ExitError (usage) when it cannot be read, or is too large
 */
export function readUsersText(path: string, flag = '--users'): string {
  const text = readSecretFile({ path, flag, maxBytes: MOST_BYTES + 1 });
  if (Buffer.byteLength(text) <= MOST_BYTES) return text;
  throw new ExitError(ExitCode.usage, `${path} has more than ${MOST_BYTES} bytes`);
}

/**
 * The users in the text of a file.
 * @throws ExitError (usage), with a line for every mistake
 */
export function usersIn(path: string, text: string): readonly UserEntry[] {
  try {
    return parseUsers(text);
  } catch (error) {
    if (!(error instanceof UsersFileError)) throw error;
    throw new ExitError(
      ExitCode.usage,
      error.mistakes.map(({ line, message }) => `${path}:${line}: ${message}`),
    );
  }
}

/**
 * The users in YAML; docs/users.md says what stands there.
 * @throws UsersFileError with every mistake
 */
export function parseUsers(text: string): readonly UserEntry[] {
  return new UsersText(text).read();
}

/**
 * The users in a text that servers are to have, so that each of them can.
 * @throws ExitError (usage), with a line for every mistake
 */
export function checkUsersText(name: string, text: string): readonly UserEntry[] {
  const users = usersIn(name, text);
  try {
    new UserDirectory(users);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    throw new ExitError(ExitCode.usage, `${name}: ${error.problem}`);
  }
  return users;
}

type Readers = Readonly<Record<string, (value: unknown) => unknown>>;

class UsersText {
  readonly #yaml: YamlText;
  /** Where each id and each digest was seen first. */
  readonly #seen = new Map<string, number>();

  constructor(text: string) {
    // A message that quotes the text may quote a token.
    this.#yaml = new YamlText(text, { quotes: false });
  }

  read(): readonly UserEntry[] {
    const users = this.#readList();
    const { mistakes } = this.#yaml;
    if (mistakes.length === 0) return users;
    throw new UsersFileError(mistakes.toSorted((a, b) => a.line - b.line));
  }

  #readList(): readonly UserEntry[] {
    const { contents, mistakes } = this.#yaml;
    if (mistakes.length > 0) return [];
    if (isSeq(contents) && contents.items.length > 0) return contents.items.flatMap((item) => this.#readUser(item));
    this.#yaml.blame(contents, 'expected a list with at least one user, such as "- { id: alice, token: sha256:... }"');
    return [];
  }

  #readUser(node: unknown): UserEntry[] {
    const before = this.#yaml.mistakes.length;
    const fields = this.#readFields(node, 'a user', {
      id: (value) => this.#once(value, 'id', readId(value)),
      token: (value) => this.#once(value, 'token', readDigest(value)),
      tokens: (value) => this.#readTokens(value),
      allow: (value) => readRules('allow', value),
      deny: (value) => readRules('deny', value),
      'allow-private': readBoolean,
      'allow-ports': (value) => readRules('allowPorts', value),
      listen: readListenRules,
      limits: (value) => this.#readLimits(value),
      disabled: readBoolean,
    });
    if (isMap(node)) {
      const has = (key: string) => node.has(key);
      if (!has('id')) this.#yaml.blame(node, `a user needs id: ${EXPECTED.id}`);
      if (!has('token') && !has('tokens')) this.#yaml.blame(node, `a user needs token: ${EXPECTED.token}`);
      if (has('token') && has('tokens'))
        this.#yaml.blame(node, 'a user has token or tokens, not both: put it into the list');
    }
    if (this.#yaml.mistakes.length > before) return [];
    const policy: DestinationRules = pick(fields, {
      allow: 'allow',
      deny: 'deny',
      'allow-private': 'allowPrivate',
      'allow-ports': 'allowPorts',
    });
    return [
      {
        id: String(fields['id']),
        ...pick(fields, { token: 'tokenSha256', tokens: 'tokens' }),
        ...(Object.keys(policy).length > 0 && { policy }),
        ...pick(fields, { listen: 'listen', limits: 'limits', disabled: 'disabled' }),
      },
    ];
  }

  #readTokens(node: unknown): readonly UserToken[] {
    if (!isSeq(node) || node.items.length === 0) {
      throw new TypeError('expected a list of tokens, such as [{ token: "sha256:...", label: laptop }]');
    }
    const labels = new Map<string, number>();
    return node.items.map((item) => {
      const fields = this.#readFields(item, 'a token', {
        token: (value) => this.#once(value, 'token', readDigest(value)),
        label: (value) => readLabel(value, this.#yaml.lineOf(value), labels),
        expires: readTime,
        for: readPurpose,
      });
      if (isMap(item) && !item.has('token')) this.#yaml.blame(item, `a token needs token: ${EXPECTED.token}`);
      return { sha256: String(fields['token']), ...pick(fields, { label: 'label', expires: 'expires', for: 'for' }) };
    });
  }

  #readLimits(node: unknown): UserLimits {
    const fields = this.#readFields(node, 'limits', {
      sessions: readCount,
      channels: readCount,
      flows: readCount,
      listeners: readCount,
      'bytes-per-second-up': readSize,
      'bytes-per-second-down': readSize,
      'monthly-bytes': readSize,
      grace: readTimeSpan,
    });
    return pick(fields, {
      sessions: 'sessions',
      channels: 'channels',
      flows: 'flows',
      listeners: 'listeners',
      'bytes-per-second-up': 'bytesPerSecondUp',
      'bytes-per-second-down': 'bytesPerSecondDown',
      'monthly-bytes': 'monthlyBytes',
      grace: 'grace',
    });
  }

  /** What the readers make of the mapping `node`; every key that has none, and every value that one refuses, is told. */
  #readFields(node: unknown, what: string, readers: Readers): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    if (!isMap(node)) {
      this.#yaml.blame(node, `expected ${what}: ${Object.keys(readers).join(', ')}`);
      return fields;
    }
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : '';
      const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
      if (read === undefined) {
        this.#yaml.blame(key, `unknown key in ${what}; allowed are ${Object.keys(readers).join(', ')}`);
        continue;
      }
      try {
        fields[name] = read(value);
      } catch (error) {
        this.#yaml.blame(hasPlace(value) ? value : key, `${name}: ${(error as Error).message}`);
      }
    }
    return fields;
  }

  #once(node: unknown, what: string, value: string): string {
    const line = this.#yaml.lineOf(node);
    const first = this.#seen.get(`${what} ${value}`);
    if (first !== undefined) throw new TypeError(`the same as in line ${first}; every user needs one of their own`);
    this.#seen.set(`${what} ${value}`, line);
    return value;
  }
}

const EXPECTED = {
  id: `expected ${USER_ID_EXPECTED}`,
  token: 'expected "sha256:" and 64 hexadecimal digits, as wsproxy-server token prints them',
};

const EMPTY = 'the digest of an empty token, as of a variable that is not set; wsproxy-server token makes a right one';

function readId(node: unknown): string {
  const id = sourceOf(node);
  if (isUserId(id)) return id;
  throw new TypeError(EXPECTED.id);
}

function readDigest(node: unknown): string {
  const digest = /^sha256:([0-9a-f]{64})$/i.exec(sourceOf(node) ?? '')?.[1];
  if (digest !== undefined && isDigestOfNothing(digest)) throw new TypeError(EMPTY);
  if (digest !== undefined) return digest.toLowerCase();
  throw new TypeError(EXPECTED.token);
}

function readLabel(node: unknown, line: number, seen: Map<string, number>): string {
  const label = sourceOf(node);
  if (!isTokenLabel(label)) throw new TypeError(`expected ${TOKEN_LABEL_EXPECTED}`);
  const first = seen.get(label);
  if (first !== undefined) throw new TypeError(`the same as in line ${first}; every token needs one of its own`);
  seen.set(label, line);
  return label;
}

/** Of RFC 3339 section 5.6: nobody has to guess whose noon is meant. */
function readTime(node: unknown): Date {
  const text = sourceOf(node) ?? '';
  const time = parseTime(text);
  if (time !== undefined) return time;
  const isWithoutZone = /^\d{4}-\d\d-\d\d(?:[T ][\d:.]+)?$/i.test(text);
  const zone = isWithoutZone ? 'the time zone is missing; ' : '';
  throw new TypeError(
    `${zone}expected a date and a time with its zone, such as 2027-01-31T18:00:00Z or 2027-01-31T18:00:00+01:00`,
  );
}

function readPurpose(node: unknown): 'wisp' {
  if (sourceOf(node) === 'wisp') return 'wisp';
  throw new TypeError('expected wisp, or nothing for a token of the tunnel');
}

function readBoolean(node: unknown): boolean {
  const value = booleanOf(node);
  if (value !== undefined) return value;
  throw new TypeError('expected true or false');
}

function readCount(node: unknown): number {
  const text = sourceOf(node) ?? '';
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new TypeError('expected a whole number from 1 on');
}

function readSize(node: unknown): number {
  let size = 0;
  try {
    size = parseSize(sourceOf(node) ?? '');
  } catch {
    // Said below, with the least that is allowed.
  }
  if (size >= 1) return size;
  throw new TypeError('expected bytes from 1 on, such as 65536, 64k, 10M or 1G');
}

/** ms. */
const DAY = 86_400_000;

function readTimeSpan(node: unknown): number {
  let span = 0;
  try {
    span = parseDuration(sourceOf(node) ?? '');
  } catch {
    // Said below, with what is allowed.
  }
  if (span >= 1 && span <= DAY) return span;
  throw new TypeError('expected a time of up to 24h, such as 90s, 10m or 1h');
}

function readRules(key: 'allow' | 'deny' | 'allowPorts', node: unknown): readonly string[] {
  const texts = readTexts(node, 'such as [10.0.0.0/8, "*.example.org"]');
  const [mistake] = mistakesInRules({ [key]: texts });
  if (mistake !== undefined) throw new TypeError(mistake.problem);
  return texts;
}

function readTexts(node: unknown, example: string): readonly string[] {
  const items = isSeq(node) ? node.items : [node];
  const texts = items.map(sourceOf).filter((text) => text !== undefined);
  if (texts.length === items.length) return texts;
  throw new TypeError(`expected a list of rules, ${example}`);
}

/** An empty list is one: anyone who has it may listen nowhere. */
function readListenRules(node: unknown): readonly string[] {
  const texts = readTexts(node, 'such as ["127.0.0.1:8000-8099", "0.0.0.0:443"]');
  for (const text of texts) parseListenRule(text);
  return texts;
}

/** Those of `fields` that are there, under their other name. */
function pick(fields: Readonly<Record<string, unknown>>, names: Readonly<Record<string, string>>): object {
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, other]) => (fields[name] === undefined ? [] : [[other, fields[name]]])),
  );
}
