import { BlockList, isIP } from 'node:net';

/**
 * Whether `list`, the value of NO_PROXY, has `host`, a name or an address without brackets, by the rules of curl. `*` alone
 * is everything. A name stands for itself and for names below it, with or without a dot before it. An address is one, or a
 * range such as 10.0.0.0/8. Ports, brackets and a `*` in a name match nothing.
 */
export function isExcepted(host: string, list: string): boolean {
  if (list === '*') return true;
  const entries = list.split(/[ \t,]+/).filter((entry) => entry !== '');
  if (isIP(host) !== 0) return entries.some((entry) => holdsAddress(entry, host));
  const name = withoutLastDot(host).toLowerCase();
  return entries.some((entry) => {
    const domain = withoutLastDot(entry).replace(/^\./, '').toLowerCase();
    return domain !== '' && (name === domain || name.endsWith(`.${domain}`));
  });
}

function holdsAddress(entry: string, host: string): boolean {
  const [network = '', digits = '0'] = entry.split(/\/(.*)/);
  const version = isIP(host);
  if (isIP(network) !== version || network.includes('%')) return false;
  const bits = Number.parseInt(digits, 10) || 0;
  const length = version === 4 ? 32 : 128;
  if (bits < 0 || bits > length) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const range = new BlockList();
  // To curl /0 is the one address, too.
  range.addSubnet(network, bits === 0 ? length : bits, family);
  return range.check(host, family);
}

function withoutLastDot(name: string): string {
  return name.replace(/\.$/, '');
}
