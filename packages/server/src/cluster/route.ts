import { randomBytes } from 'node:crypto';

/** Where a session lives (PROTOCOL.md, "Sessions"): in one process, of a node that may have several. */
export interface Route {
  /** As the other nodes of the cluster call it. */
  readonly node: string;
  /** Of the process, new each time that one starts. */
  readonly uid: string;
}

export function formatRoute({ node, uid }: Route): string {
  return `${node}.${uid}`;
}

/** Undefined for what no server has made: anybody may send anything. */
export function parseRoute(text: string): Route | undefined {
  const [, node, uid] = /^([a-z\d-]{1,32})\.([a-f\d]{12})$/.exec(text) ?? [];
  return node === undefined || uid === undefined ? undefined : { node, uid };
}

/** So that nobody takes a process that has started again for the one before it. */
export function randomUid(): string {
  return randomBytes(6).toString('hex');
}

export function isNodeName(text: string): boolean {
  return NODE_NAME.test(text);
}

/** What a node is called that was given no name: its host name, without the domain, made to fit. */
export function nodeNameOf(hostName: string): string {
  const [label = ''] = hostName.toLowerCase().split('.');
  // The names of pods differ at their end.
  const name = label.replaceAll(/[^a-z\d-]/g, '-').slice(-MAX_NODE_NAME);
  return isNodeName(name) ? name : 'node';
}

const MAX_NODE_NAME = 32;
const NODE_NAME = /^[a-z\d-]{1,32}$/;
