// What is measured beside other tunnels: which measurements, by which ways.
import { bulk } from '../measurements/bulk.mjs';
import { datagrams } from '../measurements/datagrams.mjs';
import { footprint } from '../measurements/footprint.mjs';
import { latency } from '../measurements/latency.mjs';
import { opens } from '../measurements/opens.mjs';
import { path } from '../measurements/path.mjs';
import { peerDatagramWays } from './datagram-ways.mjs';
import { findPeers } from './peers.mjs';
import { available, pipe, pipeTls, reuse, sshD, tcp, ws, wss } from './ways.mjs';

const OURS = { plain: { wsproxy: ws, ...available({ 'ssh -D': sshD }) }, tls: { 'wsproxy, TLS': wss } };
const FLOORS = { plain: { pipe }, tls: { pipe, 'pipe, TLS between': pipeTls } };

/** The measurements beside the peers whose programs are in `folder`, and their versions; tells which are not there. */
export async function besidePeers(folder) {
  const { found, missing } = await findPeers(folder);
  if (missing.length > 0) console.error(`not in ${folder}, and left out: ${missing.join(', ')}`);
  const versions = Object.fromEntries(Object.entries(found).map(([name, { version }]) => [name, version]));
  const ways = {
    plain: { ...OURS.plain, ...peerWays(found, 'plain') },
    tls: { ...OURS.tls, ...peerWays(found, 'tls') },
  };
  const plain = { ...FLOORS.plain, ...ways.plain };
  const tls = { ...FLOORS.tls, ...ways.tls };
  const measurements = [
    { ...bulk, ways: { ...plain, 'reused buffers': reuse } },
    { ...bulk, name: 'bulk-tls', ways: tls },
    { ...latency, ways: plain },
    { ...latency, name: 'latency-tls', ways: tls },
    { ...opens, ways: plain },
    { ...opens, name: 'opens-tls', ways: tls },
    { ...datagrams, ways: { ...datagrams.ways, ...peerDatagramWays(found) } },
    { ...footprint, ways: ways.plain },
    { ...path, ways: { tcp, ...ways.plain } },
  ];
  return { measurements, versions };
}

/** The ways of the measurement `path`, by their names. */
export async function waysOverLink(folder) {
  const { found } = await findPeers(folder);
  return { tcp, ...OURS.plain, ...peerWays(found, 'plain') };
}

function peerWays(found, kind) {
  const named = ([name, ways]) => [kind === 'tls' ? `${name}, TLS` : name, ways[kind]];
  return Object.fromEntries(Object.entries(found).map(named));
}
