// The ways from an application to a UDP destination that are compared. Each starts to { address: where datagrams are to be
// sent, pids: the processes whose CPU counts, stop() }; it is started with { target: [host, port] }, and with the hosts of both
// ends as in ways.mjs.
import { freePort, inBench, listeningAt, startListening, startProgram, stopProgram } from './program.mjs';
import { NO_LIMITS, startClient, startServer } from './tunnel.mjs';

function programs(address, children) {
  const stop = async () => {
    for (const child of children) await stopProgram(child);
  };
  return { address, pids: children.map(({ pid }) => pid), stop };
}

function bareRelay([host, port]) {
  return startProgram([], [inBench('support/bare-datagram-relay.mjs'), host, String(port)], '"ready"');
}

/** No relay at all. */
export async function udp({ target }) {
  return programs(target, []);
}

/** One program with UDP on both sides. */
export async function relay({ target }) {
  const only = await bareRelay(target);
  return programs(listeningAt(only), [only]);
}

/** The floor: two of them, as a tunnel has. */
export async function relays({ target }) {
  const far = await bareRelay(target);
  const near = await bareRelay(listeningAt(far));
  return programs(listeningAt(near), [near, far]);
}

/** `-L 0:host:port/udp`; where SOCKS is offered is in `socks`. */
export async function wsproxy({ target: [host, port], serverHost, clientHost, address }) {
  const server = await startServer({ host: serverHost, address, options: NO_LIMITS });
  const options = ['-L', `0:${host}:${port}/udp`];
  const client = await startClient(`ws://${listeningAt(server).join(':')}`, { host: clientHost, options });
  return { ...programs(forwardingAt(client), [client, server]), socks: listeningAt(client) };
}

/** Where a client takes what it forwards. */
function forwardingAt({ lines }) {
  const { forward } = lines.map((text) => JSON.parse(text)).find(({ msg }) => msg === 'ready');
  const [, host, port] = /^(.*):(\d+) to /.exec(forward);
  return [host, Number(port)];
}

/** By the name of the program: the words behind its name for the far end and for the near one. */
const PEERS = {
  gost: {
    server: (at) => ['-L', `relay+ws://${at}`],
    client: (at, local, target) => ['-L', `udp://127.0.0.1:${local}/${target}`, '-F', `relay+ws://${at}`],
  },
  wstunnel: {
    server: (at) => ['server', '--log-lvl', 'ERROR', `ws://${at}`],
    client: (at, local, target) => [
      ...['client', '--log-lvl', 'ERROR', '-L', `udp://127.0.0.1:${local}:${target}?timeout_sec=0`, `ws://${at}`],
    ],
  },
};

/** Those of them whose programs were found, by name. */
export function peerDatagramWays(found) {
  const known = Object.entries(PEERS).filter(([name]) => name in found);
  return Object.fromEntries(known.map(([name, peer]) => [name, startPeer(found[name].program, peer)]));
}

function startPeer(program, { server, client }) {
  const start = async ({ target }) => {
    const [port, local] = [await freePort(), await freePort()];
    const at = `127.0.0.1:${port}`;
    const far = await startListening([program, ...server(at)], port);
    const words = client(at, local, target.join(':'));
    try {
      const near = await startListening([program, ...words], local, { kind: 'udp' });
      return programs(['127.0.0.1', local], [near, far]);
    } catch (error) {
      await stopProgram(far);
      throw error;
    }
  };
  return Object.assign(start, { mayFail: true });
}
