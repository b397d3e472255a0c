import { parseHost } from 'wsproxy-engine';
import type { DestinationRule } from 'wsproxy-node/targets';

/**
 * The script by which browsers choose a proxy: `proxy` (`host:port`) for everything but what the rules name. No name is
 * looked up for it. IPv6 ranges are left to the client itself, which bypasses them as well.
 */
export function proxyPac(proxy: string, rules: readonly DestinationRule[]): string {
  const conditions = rules.flatMap((rule) => conditionOf(rule) ?? []);
  const direct = conditions.map((condition) => `  if (${condition}) return "DIRECT";\n`).join('');
  return `function FindProxyForURL(url, host) {
  host = host.toLowerCase().replace(/\\.$/, "");
  var parts = /^(\\w+):\\/\\/(?:[^\\/?#]*@)?(?:\\[[^\\]]*\\]|[^:\\/?#]*):?(\\d*)/.exec(url) || ["", "", ""];
  var port = Number(parts[2] || { http: 80, ws: 80, https: 443, wss: 443, ftp: 21 }[parts[1]] || 0);
  var isAddress = /^\\d+\\.\\d+\\.\\d+\\.\\d+$/.test(host);
${direct}  return "SOCKS5 ${proxy}; PROXY ${proxy}";
}
`;
}

function conditionOf(rule: DestinationRule): string | undefined {
  const host = hostCondition(rule);
  const ports = rule.ports?.map(([first, last]) => `port >= ${first} && port <= ${last}`).join(' || ');
  if (host === undefined || ports === undefined) return host;
  return host === 'true' ? ports : `${host} && (${ports})`;
}

function hostCondition({ text, range }: DestinationRule): string | undefined {
  if (range !== undefined) {
    if (range.address.includes(':')) return undefined;
    // isInNet looks names up.
    return `isAddress && isInNet(host, "${range.address}", "${maskOf(range.prefix)}")`;
  }
  const name = text.replace(/(^|:)[\d,-]+$/, '');
  if (name === '' || name === '*') return 'true';
  if (name.startsWith('*.')) return `dnsDomainIs(host, ".${parseHost(name.slice(2))}")`;
  return `host === "${parseHost(name)}"`;
}

function maskOf(prefix: number): string {
  const bits = '1'.repeat(prefix).padEnd(32, '0');
  return [0, 8, 16, 24].map((start) => Number.parseInt(bits.slice(start, start + 8), 2)).join('.');
}
