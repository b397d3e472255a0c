import { createHash } from 'node:crypto';
import { RedisLink } from './redis-link.js';
import { readCounts, readFacts, readText, readTexts, readYes } from './redis-replies.js';
import { SCRIPTS } from './redis-scripts.js';
import {
  type Added,
  type Facts,
  type Holding,
  type KeptTicket,
  LEASE,
  type OnNews,
  type ProcessFact,
  REVOCATIONS,
  type Revocation,
  type Store,
  StoreError,
  type Sum,
  TICKET_TIME,
  TICKETS,
  TICKETS_PER_USER,
  type Want,
} from './store.js';
import { parseStoreAddress, type StoreAddress } from './store-address.js';

/**
 * What processes share, in a Valkey or Redis (docs/store.md). It does not wait for the first connection, and connects again and
 * again. This module is loaded only where there is such a store.
 * @throws OptionError for an address that cannot be used
 */
export function createRedisStore(url: string, uid: string): Store {
  return new RedisStore(parseStoreAddress(url), uid);
}

class RedisStore implements Store {
  readonly #link: RedisLink;
  readonly #uid: string;
  readonly #keys: Keys;
  /** Of the last call that may be done once, and in its order. */
  #number = 0;

  constructor({ url, prefix }: StoreAddress, uid: string) {
    this.#link = new RedisLink(url);
    this.#uid = uid;
    this.#keys = {
      channel: `${prefix}news`,
      processes: `${prefix}processes`,
      revocations: `${prefix}revocations`,
      process: `${prefix}process:`,
      sums: `${prefix}bytes:`,
      tickets: `${prefix}tickets`,
      ticket: `${prefix}ticket:`,
    };
  }

  async add(fact: ProcessFact | Revocation): Promise<Added> {
    const { processes, process, revocations, channel } = this.#keys;
    if (fact.kind === 'revocation') {
      const args = [channel, String(REVOCATIONS), `${fact.token}:${fact.user}:${this.#uid}`];
      await this.#run('revoke', [revocations], args);
      return { isNew: false };
    }
    const { node, address, holdings } = fact;
    const number = holdings === undefined ? '' : this.#next();
    const args = [this.#uid, String(LEASE), node, address, number, ...(holdings ?? []).flatMap(asArgs)];
    return { isNew: readYes(await this.#run('add', [processes, process + this.#uid], args)) };
  }

  async take(wants: readonly Want[]): Promise<readonly number[]> {
    const { processes, process, channel } = this.#keys;
    const args = [this.#uid, process, this.#next(), channel, ...wants.flatMap(wantAsArgs)];
    return readCounts(await this.#run('take', [processes, process + this.#uid], args), wants.length);
  }

  async give(holdings: readonly Holding[]): Promise<void> {
    const { process, channel } = this.#keys;
    const args = [this.#next(), String(LEASE), channel, ...holdings.flatMap(asArgs)];
    await this.#run('give', [process + this.#uid], args);
  }

  async read(mark?: number): Promise<Facts> {
    const { processes, process, revocations } = this.#keys;
    const args = [process, mark === undefined ? '' : String(mark)];
    return readFacts(await this.#run('read', [processes, revocations, process + this.#uid], args), this.#uid);
  }

  async find(keys: readonly string[]): Promise<readonly (readonly string[])[]> {
    const { processes, process } = this.#keys;
    return readTexts(await this.#run('find', [processes], [process, ...keys]), keys.length);
  }

  async spend(month: string, sums: readonly Sum[]): Promise<readonly number[]> {
    const { sums: prefix } = this.#keys;
    const keys = [`${prefix}${month}`, `${prefix}${month}:${this.#uid}`];
    const args = sums.flatMap(({ user, bytes }) => [user, String(bytes)]);
    const reply = await this.#run('spend', keys, [String(SUMS_KEPT), String(OWN_SUMS_KEPT), ...args]);
    return readCounts(reply, sums.length);
  }

  async addTicket({ digest, user, value }: KeptTicket): Promise<boolean> {
    const { tickets, ticket } = this.#keys;
    const keys = [ticket + digest, tickets, `${tickets}:${user}`];
    const args = [digest, user, value, ...[TICKET_TIME, TICKETS, TICKETS_PER_USER].map(String)];
    return readYes(await this.#run('addTicket', keys, args));
  }

  async spendTicket(digest: string): Promise<string | undefined> {
    const { tickets, ticket } = this.#keys;
    return readText(await this.#run('spendTicket', [ticket + digest, tickets], [`${tickets}:`, digest])) || undefined;
  }

  watch(onNews: OnNews): void {
    this.#link.subscribe(this.#keys.channel, (keys) => onNews(keys === '' ? [] : keys.split('\n')));
  }

  async close(): Promise<void> {
    const { process, channel } = this.#keys;
    await this.#run('leave', [process + this.#uid], [channel]).catch(() => {});
    this.#link.close();
  }

  #next(): string {
    this.#number += 1;
    return String(this.#number);
  }

  async #run(name: keyof typeof SCRIPTS, keys: string[], args: string[]): Promise<unknown> {
    const options = { keys, arguments: args };
    return this.#link.call(async (client) => {
      try {
        return await client.evalSha(DIGESTS[name], options).catch((error: unknown) => {
          // It has started anew.
          if (!isReply(error, 'NOSCRIPT')) throw error;
          return client.eval(SCRIPTS[name], options);
        });
      } catch (error) {
        if (isReply(error, 'LEASE')) throw new StoreError('lease', 'the lease of the process has ended');
        throw error;
      }
    });
  }
}

interface Keys {
  readonly channel: string;
  readonly processes: string;
  readonly revocations: string;
  /** Before the uid of a process. */
  readonly process: string;
  /** Before the month; before the uid of a process as well where they are its own. */
  readonly sums: string;
  /** With a colon, before the user where they are their own. */
  readonly tickets: string;
  /** Before the digest. */
  readonly ticket: string;
}

const DAY = 86_400_000;
/** Longer than a month. */
const SUMS_KEPT = 40 * DAY;
/** A process that is away for longer counts twice what it has carried before. */
const OWN_SUMS_KEPT = 2 * DAY;

const DIGESTS = Object.fromEntries(
  Object.entries(SCRIPTS).map(([name, script]) => [name, createHash('sha1').update(script).digest('hex')]),
) as Record<keyof typeof SCRIPTS, string>;

function asArgs({ key, held }: Holding): [string, string] {
  return [key, String(held)];
}

function wantAsArgs({ key, need, wish, limit, over }: Want): string[] {
  return [key, String(need), String(wish), String(limit), over ? '1' : ''];
}

function isReply(error: unknown, code: string): boolean {
  // Some versions put ERR before what a script says.
  return error instanceof Error && error.message.replace(/^ERR /, '').startsWith(code);
}
