import { InvalidArgumentError } from 'commander';
import { explainListenError, formatListenAddress, type ListenAddress, type ProgramLogger } from 'wsproxy-cli';
import { OptionError } from 'wsproxy-node/options';
import { checkClusterTls } from '../cluster/cluster-tls.js';
import { nodesOf, parsePeer } from '../cluster/peers.js';
import type { ClusterTls, Server } from '../index.js';
import { follow, readPem } from './tls-files.js';

/** What the command line says of the other servers of a cluster. */
export interface ClusterFlags {
  readonly node?: string;
  readonly peer?: readonly string[];
  readonly clusterListen?: ListenAddress;
  readonly clusterCert?: string;
  readonly clusterKey?: string;
  readonly clusterCa?: string;
}

/**
 * What they say of the door for the other servers; undefined without one.
 * @throws OptionError for what cannot work
 */
export function nodeDoor(flags: ClusterFlags): NodeDoor | undefined {
  const { node, peer: peers = [], clusterListen: where, clusterCert: cert, clusterKey: key, clusterCa: ca } = flags;
  if (where === undefined) {
    const given = (['peer', 'clusterCert', 'clusterKey', 'clusterCa'] as const).find(
      (name) => flags[name] !== undefined,
    );
    if (given === undefined) return undefined;
    throw new OptionError(given, 'it takes --cluster-listen, by which the other servers reach this one');
  }
  if (node === undefined) {
    throw new OptionError('clusterListen', 'it takes --node NAME, by which the other servers know this one');
  }
  if (cert === undefined || key === undefined || ca === undefined) {
    throw new OptionError('clusterListen', 'it takes --cluster-cert FILE, --cluster-key FILE and --cluster-ca FILE');
  }
  nodesOf(peers, node);
  expectOwnName(peers, node, where);
  return { where, peers, files: { cert, key, ca } };
}

/** @throws OptionError where the list has this node under another name, so that nobody would find its sessions */
function expectOwnName(peers: readonly string[], node: string, where: ListenAddress): void {
  if (!('port' in where)) return;
  const self = peers.map(parsePeer).find(({ host, port }) => host === where.host && port === where.port);
  if (self === undefined || self.node === node) return;
  const problem = `${self.node} is at the address of --cluster-listen, but --node is ${node}; one server has one name`;
  throw new OptionError('peer', problem);
}

/** The door for other servers, as the command line has it. */
export interface NodeDoor {
  readonly where: ListenAddress;
  readonly peers: readonly string[];
  readonly files: ClusterFiles;
}

/** The files of --cluster-cert, --cluster-key and --cluster-ca. */
export interface ClusterFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/**
 * @throws ExitError (usage) that names the file that cannot be read
 * @throws OptionError for what it holds
 */
export function readClusterTls({ cert, key, ca }: ClusterFiles): ClusterTls {
  const tls = {
    cert: readPem(cert, '--cluster-cert'),
    key: readPem(key, '--cluster-key', true),
    ca: readPem(ca, '--cluster-ca'),
  };
  checkClusterTls(tls);
  return tls;
}

/** Opens it, and follows its files from then on. Rejects with ExitError. */
export async function joinCluster(
  server: Server,
  { where, peers, files }: NodeDoor,
  tls: ClusterTls,
  logger: ProgramLogger,
): Promise<JoinedCluster> {
  try {
    const { address, port } = await server.listenInner({ ...where, peers, tls });
    return { at: formatListenAddress({ host: address, port }), reload: followClusterTls(server, files, tls, logger) };
  } catch (error) {
    throw explainListenError(error as Error, where, '--cluster-listen');
  }
}

/** The same where somebody else listens, and hands over what comes. Resolves with what reads the files at once. */
export async function joinWithoutPort(
  server: Server,
  { door: { peers, files }, tls }: { readonly door: NodeDoor; readonly tls: ClusterTls },
  logger: ProgramLogger,
): Promise<() => void> {
  await server.listenInner({ peers, tls });
  return followClusterTls(server, files, tls, logger);
}

function followClusterTls(server: Server, files: ClusterFiles, now: ClusterTls, logger: ProgramLogger): () => void {
  return follow({
    ...{ name: 'TLS between servers', certificate: 'cluster', files, now, logger },
    read: () => readClusterTls(files),
    use: (fresh) => server.setInnerTls(fresh),
  });
}

interface JoinedCluster {
  /** Where the door is, for the log. */
  readonly at: string;
  /** Reads the files at once. */
  readonly reload: () => void;
}

/**
 * Reads what --peer says, which stays as it is.
 * @throws InvalidArgumentError that says what is expected
 */
export function checkPeer(text: string): string {
  try {
    parsePeer(text);
    return text;
  } catch (error) {
    throw new InvalidArgumentError((error as OptionError).problem);
  }
}
