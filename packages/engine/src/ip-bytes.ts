import { isIPv4, isIPv6 } from './ip-address.js';

/** The 4 or 16 bytes of an address; undefined for anything else. */
export function addressBytes(text: string): number[] | undefined {
  if (isIPv4(text)) return text.split('.').map(Number);
  return isIPv6(text) ? bytesOfIPv6(text) : undefined;
}

/** The text of 4 or 16 bytes of an address, as RFC 5952 spells it. */
export function addressText(bytes: ArrayLike<number>): string {
  return bytes.length === 4 ? dotted(bytes, 0) : colons(bytes);
}

function bytesOfIPv6(text: string): number[] {
  const [head = '', tail = ''] = text.split('::');
  const before = bytesOfGroups(head);
  const after = bytesOfGroups(tail);
  return [...before, ...Array<number>(16 - before.length - after.length).fill(0), ...after];
}

function bytesOfGroups(row: string): number[] {
  if (row === '') return [];
  return row.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >>> 8, value & 0xff];
  });
}

function dotted(bytes: ArrayLike<number>, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

function colons(bytes: ArrayLike<number>): string {
  const groups = Array.from({ length: 8 }, (_, n) => ((bytes[2 * n] as number) << 8) | (bytes[2 * n + 1] as number));
  // An address of IPv4 in it is spelt as such (section 5).
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return `::ffff:${dotted(bytes, 12)}`;
  const { start, length } = longestZeros(groups);
  const spell = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return spell(groups);
  return `${spell(groups.slice(0, start))}::${spell(groups.slice(start + length))}`;
}

/** The longest row of zeros, the first one of several (section 4.2.3). */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let length = 0;
  for (const [n, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > longest.length) longest = { start: n + 1 - length, length };
  }
  return longest;
}
