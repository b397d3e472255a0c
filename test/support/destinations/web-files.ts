import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { keystreamReadable, sha256 } from '../keystream.js';
import { type Listener, listenOn } from '../sockets/listen.js';

/** What an upload is answered with. */
export interface Receipt {
  readonly length: number;
  readonly sha256: string;
}

/**
 * A web server without files. `GET /SEED/LENGTH` gives the first LENGTH bytes of a keystream; an upload to any path is
 * answered with its length and hash; `GET /headers` answers with the request's own header lines.
 */
export function startWebFiles(): Promise<Listener> {
  return listenOn(createServer(serve));
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'PUT' || request.method === 'POST') {
    void receive(request, response);
  } else if (request.url === '/headers') {
    response.end(JSON.stringify(request.rawHeaders));
  } else {
    const [, seed = '', length = '0'] = (request.url ?? '').split('/');
    response.writeHead(200, { 'Content-Length': length });
    pipeline(keystreamReadable(seed, Number(length)), response, () => {});
  }
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
  });
  const hash = await sha256(request);
  response.end(JSON.stringify({ length, sha256: hash } satisfies Receipt));
}
