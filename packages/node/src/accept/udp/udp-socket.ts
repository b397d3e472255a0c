import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { type AddressInfo, isIP } from 'node:net';
import type { Logger } from 'wsproxy-engine';
import { asItIs, widenReceiveBuffer } from '../../sockets/udp-options.js';

/** A bound UDP socket, on which a listener hears applications of this machine, or of those around it. */
export class UdpSocket {
  readonly #socket: Socket;
  #isOpen = true;

  private constructor(socket: Socket, logger: Logger) {
    this.#socket = socket;
    // Of an error the socket does not end.
    socket.on('error', (error) => logger.warn({ error }, 'UDP port failed'));
    widenReceiveBuffer(socket);
  }

  /** Hands every datagram that comes to `onDatagram`. Rejects with the error of the system if it cannot be bound. */
  static async bind(at: UdpEndpoint, logger: Logger, onDatagram: OnDatagram): Promise<UdpSocket> {
    const socket = await bindFirst(await placesOf(at));
    socket.on('message', (data, { address, port }) => onDatagram(data, { address, port }));
    return new UdpSocket(socket, logger);
  }

  get address(): AddressInfo {
    return this.#socket.address();
  }

  /** Sends `data`, which belongs to the socket from here on; `onDrop` is called when it could not be sent. Nothing is, once closed. */
  send(data: Uint8Array, { address, port }: UdpAddress, onDrop: () => void): void {
    if (!this.#isOpen) return;
    // What the system does not take at once would wait without a bound.
    if (this.#socket.getSendQueueSize() > LONGEST_QUEUE) return onDrop();
    this.#socket.send(data, port, address, (error) => {
      if (error !== null) onDrop();
    });
  }

  /** Resolves when the port is free. To be called once. */
  close(): Promise<void> {
    this.#isOpen = false;
    return new Promise((resolve) => {
      this.#socket.close(resolve);
    });
  }
}

/** A port of an address; `*` is every one, and port 0 lets the system choose. */
export interface UdpEndpoint {
  readonly host: string;
  readonly port: number;
  /** `::` is every address of IPv6, and none of IPv4. */
  readonly ipv6Only?: boolean;
}

/** Where a datagram came from, or goes to. */
export interface UdpAddress {
  readonly address: string;
  readonly port: number;
}

/** `data` belongs to the one who gets it. */
export type OnDatagram = (data: Buffer, from: UdpAddress) => void;

type Place = readonly [type: 'udp4' | 'udp6', address: string, port: number, ipv6Only?: boolean];

/** To be tried one after the other. As with TCP every address is those of both families, or of the one there is. */
async function placesOf({ host, port, ipv6Only = false }: UdpEndpoint): Promise<readonly Place[]> {
  if (host === '*') {
    return [
      ['udp6', '::', port],
      ['udp4', '0.0.0.0', port],
    ];
  }
  const { address, family } = isIP(host) === 0 ? await lookup(host) : { address: host, family: isIP(host) };
  return [[family === 6 ? 'udp6' : 'udp4', address, port, ipv6Only]];
}

async function bindFirst([first, ...others]: readonly Place[]): Promise<Socket> {
  if (first === undefined) throw new RangeError('no place to bind');
  try {
    return await bindAt(first);
  } catch (error) {
    const isMissing = MISSING_FAMILY.has((error as NodeJS.ErrnoException).code ?? '');
    if (others.length === 0 || !isMissing) throw error;
    return bindFirst(others);
  }
}

function bindAt([type, address, port, ipv6Only = false]: Place): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type, ipv6Only, lookup: asItIs });
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    // Workers of a cluster would share it otherwise, and each hear some of the datagrams.
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

/** This machine has no such family of addresses. */
const MISSING_FAMILY: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);
/** Bytes that wait for the system at a time. */
const LONGEST_QUEUE = 1024 * 1024;
