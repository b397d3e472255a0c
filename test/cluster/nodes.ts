import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { start } from 'wsproxy-test-support/programs/command-line';
import type { Program } from 'wsproxy-test-support/programs/program';
import { freePort } from 'wsproxy-test-support/sockets/listen';

/** Each node has an address of loopback for itself, as each machine of a cluster has one, so that all use the same ports. */
export interface Ports {
  readonly tunnel: number;
  readonly health: number;
  readonly admin: number;
  /** For the other nodes. */
  readonly peers: number;
}

/** A server of a cluster, as a process of its own. */
export class Node {
  readonly name: string;
  readonly address: string;
  readonly program: Program;
  readonly #admin: string;

  constructor(name: string, program: Program, ports: Ports) {
    this.name = name;
    this.address = addressOf(name);
    this.program = program;
    this.#admin = `http://${this.address}:${ports.admin}`;
  }

  /** Its sessions, attached or not, as its admin page shows them. */
  async sessions(): Promise<readonly { readonly attached: boolean; readonly resumes: number }[]> {
    const response = await fetch(`${this.#admin}/sessions`, { headers: { connection: 'close' } });
    const { sessions } = (await response.json()) as { sessions: { attached: boolean; resumes: number }[] };
    return sessions;
  }

  /** Requests that it has handed on to others, and that they took. */
  async handOns(): Promise<number> {
    const response = await fetch(`${this.#admin}/metrics`, { headers: { connection: 'close' } });
    const [, count = '0'] = /^wsproxy_hand_ons_total\{outcome="passed"\} (\d+)$/m.exec(await response.text()) ?? [];
    return Number(count);
  }

  /** As a machine that fails. */
  async kill(): Promise<void> {
    this.program.signal('SIGKILL');
    await this.program.ended;
  }
}

export async function freePorts(): Promise<Ports> {
  const [tunnel, health, admin, peers] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  return { tunnel, health, admin, peers };
}

/** The names that nodes may have; each stands for an address. */
export const NAMES = ['one', 'two', 'three'];

/** Other processes of the tests have nodes at the same time, and take ports for theirs as free as these. */
export function addressOf(name: string): string {
  return `127.${100 + (process.pid % 100)}.${Math.floor(process.pid / 100) % 250}.${11 + NAMES.indexOf(name)}`;
}

/** Starts a node, with `more` on its command line. */
export async function startNode(name: string, ports: Ports, more: readonly string[] = []): Promise<Node> {
  const address = addressOf(name);
  const words = [
    '--name',
    name,
    '--path',
    '/tunnel',
    '--allow-private',
    '--no-access-log',
    '--trusted-proxy',
    '127.0.0.1',
    // All clients have one token, and mostly come to two nodes of three when one is gone.
    '--max-sessions-per-user',
    '64',
  ];
  const pages = ['--health', `${address}:${ports.health}`, '--admin', `${address}:${ports.admin}`];
  const { program } = await start('wsproxy-server', [...words, ...pages, ...more], {
    host: address,
    port: ports.tunnel,
  });
  const node = new Node(name, program, ports);
  atEnd(() => node.kill());
  return node;
}
