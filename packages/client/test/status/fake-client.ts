import { EventEmitter } from 'node:events';
import type { RecordedClient } from '../../src/status/recorder.js';
import type { ClientEvents, ClientStatus } from '../../src/tunnel/client-status.js';

/** A client that is online and idle, until the test says otherwise. */
export class FakeClient implements RecordedClient {
  readonly events = new EventEmitter<ClientEvents>();
  now: ClientStatus = {
    state: 'online',
    sinceMs: 60_000,
    uptimeMs: 61_000,
    server: 'wss://proxy.example/',
    reason: undefined,
    nextTryMs: undefined,
    failedTries: 0,
    servers: [],
    way: { name: 'WebSocket', sinceMs: 60_000, reason: undefined },
    roundTripMs: 12.5,
    resumes: 3,
    stranded: 0,
    bytesUp: 1_000,
    bytesDown: 2_000,
    channels: [channel(1, 1_000, 2_000)],
    flows: [flow(1, 3, 1)],
    listeners: [listener(1)],
  };
  looks = 0;

  status(): ClientStatus {
    this.looks += 1;
    return this.now;
  }

  /** Goes over to another state, and tells so. */
  enter(state: ClientStatus['state'], more: Partial<ClientStatus> = {}): void {
    const previous = this.now.state;
    this.now = { ...this.now, state, ...more };
    this.events.emit('state', state, previous);
  }
}

export function channel(id: number, bytesUp: number, bytesDown = 0): ClientStatus['channels'][number] {
  return { id, target: `host-${id}.example:443`, kind: 'socks5', open: true, ageMs: 10, bytesUp, bytesDown };
}

function listener(id: number): ClientStatus['listeners'][number] {
  return {
    ...{ id, listen: `127.0.0.1:${8_000 + id}`, address: undefined, target: `host-${id}.example:80`, state: 'asking' },
    ...{ sinceMs: 5, server: undefined, failure: undefined, reason: undefined, arrivals: 0, arrivalsSoFar: 0 },
  };
}

export function flow(id: number, datagramsUp: number, datagramsDropped = 0): ClientStatus['flows'][number] {
  return {
    ...{ id, target: `host-${id}.example:53`, kind: 'connect-udp', open: true, ageMs: 10 },
    ...{ datagramsUp, datagramsDown: 1, datagramsDropped, bytesUp: 100 * datagramsUp, bytesDown: 50 },
  };
}
