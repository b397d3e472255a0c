import { isIP } from 'node:net';
import type { Socks5Datagram } from './socks5-datagram.js';

/**
 * How an application spells the names of its peers, where that is not how everybody does: some take an answer only from
 * whom they have asked, letter by letter.
 */
export class Spellings {
  /** By host. */
  readonly #odd = new Map<string, string>();

  note({ peer: { host }, spelling }: Socks5Datagram): void {
    const isOdd = spelling !== undefined && (spelling !== host || isIP(host) !== 0);
    if (!isOdd) return void this.#odd.delete(host);
    this.#odd.set(host, spelling);
    const [oldest] = this.#odd.keys();
    if (oldest !== undefined && this.#odd.size > MOST) this.#odd.delete(oldest);
  }

  /** As a name; undefined when it is the usual one. */
  of(host: string): string | undefined {
    return this.#odd.get(host);
  }
}

const MOST = 256;
