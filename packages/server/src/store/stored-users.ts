import { createHash } from 'node:crypto';
import { RedisLink } from './redis-link.js';
import { parseStoreAddress, type StoreAddress } from './store-address.js';

/**
 * The users of all servers of a cluster, as one document in a Valkey or Redis (docs/store.md). This module is loaded only where they
 * are there.
 * @throws OptionError for an address that cannot be used
 */
export function openStoredUsers(url: string): StoredUsers {
  return new UsersInRedis(parseStoreAddress(url));
}

/** The document with the users; what is in it is the business of others. Calls reject with a StoreError. */
export interface StoredUsers {
  /** The document if it is another one than that with the digest `known`, and has at most `maxBytes`. */
  read(maxBytes: number, known?: string): Promise<UsersRead>;
  put(text: string): Promise<void>;
  /** `onNews` is called when there may be another one; maybe without a reason, maybe not at all. */
  watch(onNews: () => void): void;
  close(): void;
}

export type UsersRead =
  | { readonly state: 'missing' }
  /** The one that is known. */
  | { readonly state: 'known' }
  | { readonly state: 'too large'; readonly digest: string }
  | { readonly state: 'there'; readonly digest: string; readonly text: string };

class UsersInRedis implements StoredUsers {
  readonly #link: RedisLink;
  readonly #key: string;
  readonly #channel: string;

  constructor({ url, users, prefix }: StoreAddress) {
    this.#link = new RedisLink(url);
    this.#key = users;
    this.#channel = `${prefix}news`;
  }

  async read(maxBytes: number, known?: string): Promise<UsersRead> {
    const told = await this.#link.call((client) => client.hGet(this.#key, DIGEST));
    if (typeof told !== 'string') return { state: 'missing' };
    if (told === known) return { state: 'known' };
    // Its types are wrong about the answer.
    const length = Number(await this.#link.call((client) => client.hStrLen(this.#key, TEXT)));
    if (!(length <= maxBytes)) return { state: 'too large', digest: told };
    // It may be another one by now.
    const fields = await this.#link.call((client) => client.hmGet(this.#key, [DIGEST, TEXT]), DEADLINE_OF_TEXT);
    const [digest, text] = fields;
    if (typeof digest !== 'string' || typeof text !== 'string') return { state: 'missing' };
    return { state: 'there', digest, text };
  }

  async put(text: string): Promise<void> {
    const document = { [DIGEST]: digestOf(text), [TEXT]: text };
    await this.#link.call(
      (client) => client.multi().hSet(this.#key, document).publish(this.#channel, '').exec(),
      DEADLINE_OF_TEXT,
    );
  }

  watch(onNews: () => void): void {
    this.#link.subscribe(this.#channel, (keys) => keys === '' && onNews());
  }

  close(): void {
    this.#link.close();
  }
}

/** What the store calls a document. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The fields of the hash. */
const [DIGEST, TEXT] = ['sha256', 'text'] as const;
/** Some megabytes over a slow way take longer than an answer of some bytes, ms. */
const DEADLINE_OF_TEXT = 10_000;
