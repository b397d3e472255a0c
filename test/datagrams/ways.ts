import { connectUdp } from 'wsproxy-test-support/sockets/connect-udp';
import { bindDatagrams } from 'wsproxy-test-support/sockets/datagram-socket';
import { associate } from 'wsproxy-test-support/sockets/socks-association';
import type { Tunnel } from 'wsproxy-test-support/tunnel';
import type { Way } from './exchange.js';
import { LONGEST } from './ledger.js';

const HOST = '127.0.0.1';
/** RSV, FRAG, and an IPv4 address with its port: between application and proxy they are in the same datagram. */
const SOCKS_HEADER = 10;

/** Each application has an association of its own, all speak to one destination. */
export function byAssociationEach({ port }: Tunnel): Way {
  return {
    longest: LONGEST - SOCKS_HEADER,
    destinations: 'one',
    async open(flows, [to = 0], onDatagram) {
      const opened = await Promise.all(
        Array.from({ length: flows }, (_, flow) => associate(port, (bytes) => onDatagram(flow, bytes))),
      );
      return async (flow, bytes) => opened[flow]?.send(bytes, { host: HOST, port: to });
    },
  };
}

/** One application speaks to all destinations by one association. */
export function byOneAssociation({ port }: Tunnel): Way {
  return {
    longest: LONGEST - SOCKS_HEADER,
    destinations: 'one each',
    async open(_flows, ports, onDatagram) {
      const one = await associate(port, (bytes, from) => onDatagram(ports.indexOf(from.port), bytes));
      return (flow, bytes) => one.send(bytes, { host: HOST, port: ports[flow] ?? 0 });
    },
  };
}

/** Applications speak to one local port, `-L port:host:hostport/udp`. */
export function byForward({ client }: Tunnel): Way {
  return {
    longest: LONGEST,
    destinations: 'one',
    async open(flows, [to = 0], onDatagram) {
      const { address } = await client.forward({ port: 0, target: `${HOST}:${to}/udp` });
      const sockets = await Promise.all(
        Array.from({ length: flows }, (_, flow) => bindDatagrams((bytes) => onDatagram(flow, bytes))),
      );
      return async (flow, bytes) => sockets[flow]?.send(bytes, address.port);
    },
  };
}

/** Each application has a connection to the HTTP proxy, of its own (RFC 9298). */
export function byConnectUdp({ port }: Tunnel): Way {
  return {
    longest: LONGEST,
    destinations: 'one',
    async open(flows, [to = 0], onDatagram) {
      const opened = await Promise.all(
        Array.from({ length: flows }, (_, flow) => connectUdp(port, HOST, to, (bytes) => onDatagram(flow, bytes))),
      );
      return async (flow, bytes) => opened[flow]?.send(bytes);
    },
  };
}

/** Each flow is a socket of the library. */
export function byLibrary({ client }: Tunnel): Way {
  return {
    longest: LONGEST,
    destinations: 'one',
    async open(flows, [to = 0], onDatagram) {
      const opened = Array.from({ length: flows }, (_, flow) =>
        client.datagrams(`${HOST}:${to}`).on('message', (bytes) => onDatagram(flow, bytes)),
      );
      return async (flow, bytes) => opened[flow]?.send(bytes);
    },
  };
}
