import { lstatSync, realpathSync } from 'node:fs';
import { isIPv6, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { geteuid } from 'node:process';
import type { Arrival, Clock, ListenKind, Logger, Peer } from 'wsproxy-engine';
import { acceptLocal, acceptUdp, type UdpAddress } from 'wsproxy-node/accept/ports';
import { ignoreErrors, listenOnUnixSocket } from 'wsproxy-node/sockets';
import { peerOf } from 'wsproxy-node/targets';
import type { Arrivals, Hold } from './held.js';

/** Takes ports and paths from the system. A place has one socket, anyone who has the listener: it is closed for nobody in between. */
export function holdsOfSystem({ logger, clock, udpIdle, isPassedOn = false }: SystemOptions): SystemHolds {
  const pauseOnConnect = isPassedOn;
  return {
    async tcp({ host, port }, arrivals) {
      const at = { ...binding(host), host, port, pauseOnConnect };
      const bound = await acceptLocal(at, logger, (socket) => arriveByTcp(arrivals, socket));
      return { address: { host, port: bound.address.port }, close: () => bound.stop() };
    },

    async unix({ host: path }, arrivals) {
      if (isOfOthers(path)) throw Object.assign(new Error(`${path} is somebody else's`), { code: 'EADDRINUSE' });
      expectNoLinks(path);
      const bound = await listenOnUnixSocket(path, () => {
        expectNoLinks(path);
        const at = { path, exclusive: true, pauseOnConnect };
        return acceptLocal(at, logger, (socket) => arrivals.arrive(FROM_NOWHERE, socket));
      });
      return { address: { host: path, port: 0 }, close: () => bound.stop() };
    },

    async udp({ host, port }, arrivals) {
      const bound = await acceptUdp(
        { ...binding(host), host, port },
        {
          ...{ logger, clock, idle: udpIdle },
          openFlow: (handler, from) => arrivals.meet(datagramFrom(from, { host, port }), handler),
        },
      );
      return {
        address: { host, port: bound.address.port },
        // Datagrams have no connection that would have to stay where it is.
        onMoved: () => bound.restart(),
        close: () => bound.close(),
      };
    },
  };
}

export interface SystemHolds {
  readonly tcp: Hold<Pick<Arrivals, 'arrive'>>;
  readonly unix: Hold<Pick<Arrivals, 'arrive'>>;
  readonly udp: Hold<Pick<Arrivals, 'meet'>>;
}

export interface SystemOptions {
  readonly logger: Logger;
  readonly clock: Clock;
  /** How long somebody may be silent who sends datagrams, ms. */
  readonly udpIdle: number;
  /** Connections are not read, since they are for other processes. */
  readonly isPassedOn?: boolean;
}

/** A connection has come to a port or path that somebody else holds for this process. */
export function arriveFrom(kind: ListenKind, arrivals: Pick<Arrivals, 'arrive'>, socket: Socket): void {
  ignoreErrors(socket);
  // As if Node had accepted it here.
  socket.allowHalfOpen = true;
  if (kind === 'unix') return arrivals.arrive(FROM_NOWHERE, socket);
  socket.setNoDelay(true);
  arriveByTcp(arrivals, socket);
}

function arriveByTcp(arrivals: Pick<Arrivals, 'arrive'>, socket: Socket): void {
  const arrival = arrivalOf(socket);
  // Anyone who came has left again, and nobody knows who it was.
  if (arrival === undefined) socket.destroy();
  else arrivals.arrive(arrival, socket);
}

/** Workers of a cluster would share the port otherwise, and with it the connections of their users. */
function binding(host: string): { exclusive: true; ipv6Only: boolean } {
  return { exclusive: true, ipv6Only: host === '::' };
}

/** It was judged without links, maybe long ago: since then somebody whose folder it is may have put one there, to where no rule leads. */
function expectNoLinks(path: string): void {
  const folder = dirname(path);
  if (realpathSync(folder) !== folder) throw Object.assign(new Error(`${folder} leads elsewhere`), { code: 'EACCES' });
}

/** Also a dead socket stays there that another user of this host has left. */
function isOfOthers(path: string): boolean {
  const status = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  return status !== undefined && geteuid !== undefined && status.uid !== BigInt(geteuid());
}

/** Of a Unix socket: it has no addresses. */
const FROM_NOWHERE: Arrival = { peer: undefined, local: undefined, name: '' };

function arrivalOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): Arrival | undefined {
  const [peer, local] = [peerOf(remoteAddress, remotePort), peerOf(localAddress, localPort)];
  return peer && local && { peer, local, name: '' };
}

/** To which of the addresses of this host a datagram was sent the system does not tell. */
function datagramFrom({ address, port }: UdpAddress, { host, port: localPort }: Peer): Arrival {
  const peer = peerOf(address, port);
  if (peer === undefined) return FROM_NOWHERE;
  const any = isIPv6(peer.host) ? '::' : '0.0.0.0';
  return { peer, local: { host: host === '*' ? any : host, port: localPort }, name: '' };
}
