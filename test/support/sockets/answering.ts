import type { Socket } from 'node:net';
import { readHead } from './application.js';
import { type Listener, listen } from './listen.js';

/** Gives the same answer to anything that is asked first. */
export function startAnswering(answer: string | ((requestHead: string) => string)): Promise<Listener> {
  return listen((socket: Socket) => {
    void readHead(socket).then(
      (head) => socket.end(typeof answer === 'string' ? answer : answer(head)),
      () => socket.destroy(),
    );
  });
}

/** A whole response, behind which the connection closes. */
export function httpResponse(status: string, fields: readonly string[] = [], body = ''): string {
  const lines = [`HTTP/1.1 ${status}`, ...fields, `Content-Length: ${body.length}`, 'Connection: close'];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
