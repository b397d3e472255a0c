/** IPv4 as such, where a socket of both families writes it as IPv6 (RFC 4291 section 2.5.5.2): one address, one spelling. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
