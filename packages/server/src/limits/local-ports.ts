import { readFileSync } from 'node:fs';

/** Local ports that the system gives to connections; the same ones again towards each port of each address. */
export function localPorts(range: string = readRange()): number {
  const [, first, last] = /^(\d+)\s+(\d+)/.exec(range) ?? [];
  return first === undefined ? DYNAMIC_PORTS : Number(last) - Number(first) + 1;
}

function readRange(): string {
  try {
    return readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
  } catch {
    return '';
  }
}

/** From 49152 to 65535 (RFC 6335 section 6), as other systems have it. */
const DYNAMIC_PORTS = 16_384;
