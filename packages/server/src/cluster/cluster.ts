import { lstatSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { geteuid } from 'node:process';
import type { SecureContext } from 'node:tls';
import type { Clock, Logger, SlabPool } from 'wsproxy-engine';
import { OptionError } from 'wsproxy-node/options';
import { listenOnUnixSocket } from 'wsproxy-node/sockets';
import { createGateway, type Gateway } from '../gateway/gateway.js';
import type { GatewayOptions } from '../gateway/gateway-options.js';
import type { Entrance, HandedOn } from '../gateway/handing-on.js';
import { listenOn, type TcpListenOptions } from '../gateway/listen.js';
import type { GatewayTls } from '../gateway/tls.js';
import type { Guard } from '../limits/guard.js';
import type { ServerObserver } from '../observe/observer.js';
import type { UserDirectory } from '../users/directory.js';
import { CLUSTER_TLS_VERSION, type ClusterTls, checkClusterTls, secureContextOf } from './cluster-tls.js';
import { type AskedErrand, ErrandDesk } from './errand-desk.js';
import { Errands } from './errands.js';
import { HandOn } from './hand-on.js';
import { isProcess, judgedBefore, NOBODY } from './inner-door.js';
import { type Door, type FindNode, Neighbours } from './neighbours.js';
import { nodesOf } from './peers.js';
import { parseRoute } from './route.js';

/** This process among the others of a cluster: its inner doors, and what it hands on to theirs. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #neighbours: Neighbours;
  readonly #handOn: HandOn;
  readonly errands: Errands;
  readonly #desk: ErrandDesk;
  readonly #uid: string;
  readonly #doors: Gateway[] = [];
  #nodeDoor: Gateway | undefined;
  #secureContext: SecureContext | undefined;

  constructor(options: ClusterOptions) {
    const here = parseRoute(options.route);
    if (here === undefined) throw new OptionError('node', `there is no such route: ${options.route}`);
    this.#options = options;
    this.#uid = here.uid;
    this.#neighbours = new Neighbours(here);
    const ways = { ...options, neighbours: this.#neighbours, secureContext: () => this.#secureContext };
    this.#handOn = new HandOn(ways);
    this.errands = new Errands(ways);
    this.#desk = new ErrandDesk({ ...options, serve: options.serveErrand });
  }

  /** Connections of clients that are passed on to other processes now. */
  get passedOn(): number {
    return this.#handOn.size;
  }

  /** What came in by a public door. */
  handOn(entrance: Entrance): Promise<HandedOn> {
    return this.#handOn.handOn(entrance, 'public');
  }

  /**
   * Opens the door for other nodes, or for the other processes of this one, and hands on to theirs from then on. Resolves with
   * the address of the former. Rejects with OptionError, or the system's error.
   */
  async listen(options: InnerListenOptions): Promise<AddressInfo | undefined> {
    if ('workers' in options) return this.#listenForWorkers(options.workers);
    const { peers = [], tls, host, port } = options;
    const serverTls = checkClusterTls(tls);
    const nodes = nodesOf(peers, parseRoute(this.#options.route)?.node);
    const door = this.#open('node', { ...serverTls, minVersion: CLUSTER_TLS_VERSION });
    const where = port === undefined ? undefined : { port, ...(host !== undefined && { host }) };
    const address = where && (await listenOn(door.server, where));
    this.#nodeDoor = door;
    this.#secureContext = secureContextOf(serverTls);
    this.#neighbours.hasNodes = true;
    this.#neighbours.nodes = (node) => nodes.get(node) ?? this.#options.findNode(node);
    return address;
  }

  /** Takes a connection to the door for other nodes that somebody else has accepted. */
  handleConnection(socket: Socket): void {
    if (this.#nodeDoor === undefined) socket.destroy();
    else this.#nodeDoor.handleConnection(socket);
  }

  /**
   * Exchanges what this node proves itself by.
   * @throws OptionError that says what is wrong with it; nothing has changed then
   */
  setTls(tls: ClusterTls): void {
    if (this.#nodeDoor === undefined) throw new OptionError('clusterCert', 'there is no door for other nodes');
    const serverTls = checkClusterTls(tls);
    this.#nodeDoor.setTls({ ...serverTls, minVersion: CLUSTER_TLS_VERSION });
    this.#secureContext = secureContextOf(serverTls);
  }

  /** Resolves when other processes have all of the errands that they have sent here, or after `time` ms, or when this is closed. */
  settled(time: number): Promise<void> {
    return this.#desk.settled(time);
  }

  /** Cuts what is passed on, and takes nothing any more. Resolves when the last connection is gone. */
  async close(): Promise<void> {
    this.#handOn.close();
    this.errands.close();
    this.#desk.close();
    await Promise.all(this.#doors.map((door) => door.close()));
  }

  async #listenForWorkers(folder: string): Promise<undefined> {
    expectOwn(folder);
    const path = join(folder, this.#uid);
    const door = this.#open('worker');
    await listenOnUnixSocket(path, () => listenOn(door.server, { path }));
    this.#neighbours.workers = folder;
    return undefined;
  }

  #open(door: Door, tls?: GatewayTls): Gateway {
    const { doors, directory, clock } = this.#options;
    const opened = createGateway({
      ...doors,
      onTransport: (transport, user, caller, request) => {
        if (!isProcess(request)) return doors.onTransport(transport, user, caller, request);
        this.#desk.accept(transport);
        return () => {};
      },
      isFull: (user) => user !== NOBODY && doors.isFull?.(user) === true,
      hasRoom: (user, request) => isProcess(request) || (doors.hasRoom?.(user, request) ?? true),
      ...{ path: '/', authenticate: () => undefined },
      judged: judgedBefore(directory, clock),
      handOn: (entrance) => this.#handOn.handOn(entrance, door),
      ...(tls && { tls }),
    });
    this.#doors.push(opened);
    return opened;
  }
}

/** Nobody else may make sockets there that this process would trust, or connect to those that there are. */
function expectOwn(folder: string): void {
  const status = lstatSync(folder);
  const isOwn = status.isDirectory() && (status.mode & OTHERS) === 0 && status.uid === geteuid?.();
  if (!isOwn) throw new OptionError('workers', `${folder} has to be a folder that only its owner may use (mode 0700)`);
}

const OTHERS = 0o077;

export interface ClusterOptions {
  readonly route: string;
  /** The users, where they are known beforehand. */
  readonly directory: UserDirectory | undefined;
  /** Knows nodes that are not among the `peers`. */
  readonly findNode: FindNode;
  /** What every door has. */
  readonly doors: Omit<GatewayOptions, 'path' | 'authenticate' | 'judged' | 'handOn' | 'tls'>;
  /** Does what another process asks for. */
  readonly serveErrand: (asked: AskedErrand) => void;
  readonly clock: Clock;
  readonly memory: SlabPool;
  readonly logger: Logger;
  readonly observer: ServerObserver;
  readonly guard: Guard;
}

/** Which inner door to open. */
export type InnerListenOptions = NodeDoorOptions | WorkerDoorOptions;

/** For other nodes: over TCP, with TLS. Without `port` it is opened by nobody but `handleInnerConnection`. */
export interface NodeDoorOptions extends Partial<TcpListenOptions> {
  /** Of the authority of the cluster. */
  readonly tls: ClusterTls;
  /** Where the other nodes have theirs: `NAME=HOST:PORT`. */
  readonly peers?: readonly string[];
}

/** For the other processes of this node. */
export interface WorkerDoorOptions {
  /** A folder of which nobody but its owner may do anything, in which each process has a socket. */
  readonly workers: string;
}
