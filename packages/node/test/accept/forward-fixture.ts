import type { Socket } from 'node:net';
import { dial } from 'wsproxy-test-support/test-tunnel';
import type { LocalPortOptions } from '../../src/accept/local-port.js';
import { type Destination, readUntil, useDestinations } from './destination.js';
import { type PortFixture, usePort } from './port-fixture.js';

export const URI = 'http://example.org:8080/path?query';
export const GET: string = message(`GET ${URI} HTTP/1.1`, 'Host: example.org:8080');

/** The head of a message. */
export function message(startLine: string, ...headers: string[]): string {
  return [startLine, ...headers, '', ''].join('\r\n');
}

export interface ForwardFixture {
  readonly port: PortFixture;
  /** Has channels dialled to a destination that does this with each connection. */
  dialled(onConnection: (socket: Socket) => void): Promise<Destination>;
  /** The same, but acts once it has read the head of a request; the heads are kept. */
  answering(answer: (socket: Socket) => void): Promise<Destination & { heads: string[] }>;
}

/** A local port whose channels reach a destination made by the test. To be called at the top of a test file. */
export function useForwarding(options?: Partial<LocalPortOptions>): ForwardFixture {
  const port = usePort(options);
  const destinations = useDestinations();

  async function dialled(onConnection: (socket: Socket) => void): Promise<Destination> {
    const destination = await destinations.start(onConnection);
    port.tunnel.farEnd = dial(destination.port);
    return destination;
  }

  async function answering(answer: (socket: Socket) => void): Promise<Destination & { heads: string[] }> {
    const heads: string[] = [];
    const destination = await dialled((socket) => {
      void readUntil(socket, /\r\n\r\n/).then((head) => {
        heads.push(head);
        socket.resume();
        answer(socket);
      });
    });
    return { ...destination, heads };
  }

  return { port, dialled, answering };
}
