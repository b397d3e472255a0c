import { addressBytes } from 'wsproxy-engine';
import type { DestinationRule } from 'wsproxy-node/targets';
import { bytesOf, dnsName, extension } from './certificate.js';
import { numbered, sequence } from './der.js';

/** What an authority may sign for (RFC 5280 section 4.2.1.10): anything else that it signs is refused by clients. */
export class Constraints {
  /** Each with all names below it: the form has no narrower words. */
  readonly #domains: readonly string[];
  readonly #ranges: readonly Range[];
  /** As a user would write them. */
  readonly text: string;

  /** `rules`: each names hosts. */
  constructor(rules: readonly DestinationRule[]) {
    const domains = [...new Set(rules.flatMap(({ domain }) => domain ?? []))].sort();
    this.#domains = domains.filter((domain) => !domains.some((other) => domain.endsWith(`.${other}`)));
    this.#ranges = rules.flatMap(({ range }) => range ?? []);
    this.text = [...this.#domains, ...new Set(this.#ranges.map(({ address, prefix }) => `${address}/${prefix}`))].join(
      ' ',
    );
  }

  /** Whether everything that `others` allow is allowed here. */
  includes(others: Constraints): boolean {
    return (
      others.#domains.every((domain) => this.#domains.some((mine) => domain === mine || domain.endsWith(`.${mine}`))) &&
      others.#ranges.every((range) => this.#ranges.some((mine) => isWithin(range, mine)))
    );
  }

  /** Of a certificate. Of a kind of name that no rule has, none is allowed. */
  extension(): Buffer {
    const addresses = this.#ranges.map((range) => subtree(numbered(7, rangeBytes(range), true)));
    const permitted = [...this.#domains.map((domain) => subtree(dnsName(domain))), ...addresses];
    const excluded = [
      ...(this.#domains.length === 0 ? [dnsName('')] : []),
      ...(this.#ranges.length === 0 ? [numbered(7, Buffer.alloc(8), true), numbered(7, Buffer.alloc(32), true)] : []),
    ].map(subtree);
    const lists = [
      numbered(0, Buffer.concat(permitted)),
      ...(excluded.length > 0 ? [numbered(1, Buffer.concat(excluded))] : []),
    ];
    return extension('2.5.29.30', sequence(...lists), true);
  }
}

type Range = NonNullable<DestinationRule['range']>;

const subtree = (name: Buffer): Buffer => sequence(name);

/** The address, then its mask. */
function rangeBytes({ address, prefix }: Range): Buffer {
  const bytes = bytesOf(address);
  const mask = bytes.map((_byte, index) => 0xff & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * index))));
  return Buffer.concat([bytes.map((byte, index) => byte & (mask[index] ?? 0)), mask]);
}

function isWithin(range: Range, outer: Range): boolean {
  if (addressBytes(range.address)?.length !== addressBytes(outer.address)?.length || range.prefix < outer.prefix)
    return false;
  const narrowed = rangeBytes({ ...range, prefix: outer.prefix });
  return narrowed.equals(rangeBytes(outer));
}
