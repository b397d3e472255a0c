import { isIPv6 } from 'node:net';
import { OptionError } from 'wsproxy-node/options';
import type { NodeAddress } from './neighbours.js';
import { isNodeName } from './route.js';

/**
 * Reads `NAME=HOST:PORT`, where a node takes what is handed on to it; an IPv6 address stands in brackets.
 * @throws OptionError (`peer`) that says what is expected
 */
export function parsePeer(text: string): Peer {
  const [, node = '', bracketed, bare, port = ''] =
    /^([^=]*)=(?:\[([^\]]*)\]|([^\s:[\]/@]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? bare ?? '';
  const isRight = isNodeName(node) && (bracketed === undefined || isIPv6(bracketed)) && host !== '';
  if (!isRight || Number(port) < 1 || Number(port) > 65_535) throw new OptionError('peer', PEER_EXPECTED);
  return { node, host, port: Number(port) };
}

/**
 * The same of several nodes, by name; without `here` itself, so that all of them may have one list.
 * @throws OptionError (`peer`) for what is none, or is there twice
 */
export function nodesOf(peers: readonly string[], here: string | undefined): ReadonlyMap<string, NodeAddress> {
  const nodes = new Map<string, NodeAddress>();
  for (const text of peers) {
    const { node, ...address } = parsePeer(text);
    if (nodes.has(node)) throw new OptionError('peer', `${node} is there twice; give each server a name of its own`);
    nodes.set(node, address);
  }
  if (here !== undefined) nodes.delete(here);
  return nodes;
}

/** Where a node says that it is, `HOST:PORT`; undefined for what is none. */
export function nodeAt(address: string | undefined): NodeAddress | undefined {
  if (address === undefined) return undefined;
  try {
    const { host, port } = parsePeer(`node=${address}`);
    return { host, port };
  } catch {
    return undefined;
  }
}

const PEER_EXPECTED = 'expected NAME=HOST:PORT, such as ams-2=10.0.0.2:7000; a name has 1 to 32 of a-z, 0-9 and -';

export interface Peer extends NodeAddress {
  readonly node: string;
}
