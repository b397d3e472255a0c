import type { Socket } from 'node:net';
import type { RelaySocket } from '../sockets/reset-socket.js';

/** What leads to an application: a socket of the system, or a stream that can do as much. */
export type ApplicationSocket = RelaySocket &
  Partial<Pick<Socket, 'remotePort'>> & {
    /** Tells when nothing has moved for `time` ms. */
    setTimeout(time: number, onIdle: () => void): unknown;
  };
