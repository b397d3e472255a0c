import type { Arrival } from 'wsproxy-node/transports';
import { MessageWebSockets } from 'wsproxy-node/transports';
import type { WispVisit, WispWelcome } from '../gateway/wisp-door.js';
import { WispConnection, type WispService } from './wisp-connection.js';

/** Takes upgrades whose sender may speak Wisp. */
export function createWispWelcome(service: WispService): WispWelcome {
  const webSockets = new MessageWebSockets(LONGEST_MESSAGE);
  return {
    isRight: (arrival: Arrival) => webSockets.isRight(arrival),
    accept: (arrival: Arrival, visit: WispVisit) =>
      webSockets.accept(arrival, {
        onOpen: (ws, connection) => void new WispConnection(ws, connection, service, visit),
        onRefused: (status) => visit.onRefused(status),
      }),
  };
}

/** The specification names no bound, bytes. */
const LONGEST_MESSAGE = 1_048_576;
