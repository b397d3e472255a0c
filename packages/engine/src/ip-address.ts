/** Whether `text` is an IPv4 address as everybody reads it: four decimal numbers, without leading zeros. */
export function isIPv4(text: string): boolean {
  return IPV4.test(text);
}

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = new RegExp(`^(?:${OCTET}\\.){3}${OCTET}$`);
const GROUP = /^[0-9a-f]{1,4}$/i;
const GROUPS = 8;

/** Whether `text` is an IPv6 address (RFC 4291 section 2.2), without brackets and without a zone. */
export function isIPv6(text: string): boolean {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return false;
  const count = countGroups(head, tail === undefined) + countGroups(tail ?? '', true);
  // `::` stands for one group of zeros at least.
  return tail === undefined ? count === GROUPS : count < GROUPS;
}

/** Groups of 16 bits; NaN when that is no row of them. Only the last one of an address may be an IPv4 address, two groups long. */
function countGroups(row: string, isLast: boolean): number {
  if (row === '') return 0;
  const groups = row.split(':');
  const embedded = isLast && isIPv4(groups.at(-1) ?? '') ? groups.pop() : undefined;
  if (!groups.every((group) => GROUP.test(group))) return Number.NaN;
  return groups.length + (embedded === undefined ? 0 : 2);
}
