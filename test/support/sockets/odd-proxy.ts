import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { atEnd } from '../cleanup/at-end.js';

/** What is wrong with a proxy; nothing unless told. It passes no WebSocket on. */
export interface Oddness {
  /** It opens each WebSocket itself, and cuts it at the first message. */
  readonly cutsWebSockets?: boolean;
  /** It passes requests for WebSockets on, and none of the answers. */
  readonly holdsWebSockets?: boolean;
  /** It has the whole answer before it passes any of it on. */
  readonly holdsAnswers?: boolean;
  /** It has the whole body before it passes any of it on. */
  readonly holdsBodies?: boolean;
  /** It takes no larger body (413), bytes. */
  readonly largestBody?: number;
  /** It cuts each request that is as old, ms. */
  readonly cutsAfter?: number;
  /** It asks the server each of these again when the answer is there, as one does that was too impatient. */
  readonly repeats?: (part: string) => boolean;
}

export interface OddProxy {
  readonly port: number;
  /** What its requests were for, and how each was answered. */
  readonly answers: { readonly part: string; readonly status: number | undefined }[];
  readonly cuts: () => number;
}

/** A reverse proxy in front of the server at `serverPort`. */
export async function startOddProxy(serverPort: number, oddness: Oddness = {}): Promise<OddProxy> {
  const answers: OddProxy['answers'] = [];
  let cuts = 0;
  const pass = (incoming: IncomingMessage, response: ServerResponse): void => {
    const part = String(incoming.headers['wsproxy-transport'] ?? '').replace(/^[^;]*;/, '');
    const { connection: _, upgrade: __, ...headers } = incoming.headers;
    const ask = (): void => {
      const outgoing = request({
        port: serverPort,
        method: incoming.method,
        path: incoming.url,
        headers,
        agent: false,
      });
      outgoing.once('response', (answer) => {
        answers.push({ part, status: answer.statusCode });
        answerWith(response, answer, oddness);
      });
      outgoing.on('error', () => response.destroy());
      response.once('close', () => outgoing.destroy());
      sendBody(incoming, outgoing, oddness, () => response.writeHead(413, { connection: 'close' }).end());
    };
    ask();
    if (oddness.repeats?.(part) === true) {
      const again = request({ port: serverPort, method: incoming.method, path: incoming.url, headers, agent: false });
      again.once('response', (answer) => {
        answers.push({ part: `again ${part}`, status: answer.statusCode });
        answer.resume();
      });
      again.on('error', () => {});
      incoming.on('data', (chunk) => again.write(chunk));
      incoming.once('end', () => again.end());
    }
    if (oddness.cutsAfter === undefined) return;
    const timer = setTimeout(() => {
      if (!response.writableEnded) cuts += 1;
      incoming.socket.destroy();
    }, oddness.cutsAfter);
    response.once('close', () => clearTimeout(timer));
  };
  const server = createServer(pass);
  const upgrades = new WebSocketServer({ noServer: true, handleProtocols: () => 'wsproxy.v1' });
  if (oddness.cutsWebSockets === true) {
    server.on('upgrade', (incoming, socket, head) => {
      upgrades.handleUpgrade(incoming, socket, head, (webSocket) => {
        webSocket.once('message', () => webSocket.terminate());
      });
    });
  }
  const held = new Set<Duplex>();
  if (oddness.holdsWebSockets === true) {
    server.on('upgrade', ({ method, url: path, headers }, socket) => {
      const outgoing = request({ port: serverPort, method, path, headers, agent: false });
      outgoing.on('error', () => {});
      outgoing.once('upgrade', (_, upstream) => {
        upstream.on('error', () => {});
        socket.once('close', () => upstream.destroy());
      });
      outgoing.end();
      socket.on('error', () => {});
      // It would tell nobody of its end before it is read.
      socket.resume();
      socket.once('close', () => outgoing.destroy());
      held.add(socket);
    });
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(async () => {
    server.closeAllConnections();
    for (const socket of held) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, answers, cuts: () => cuts };
}

function sendBody(
  incoming: IncomingMessage,
  outgoing: NodeJS.WritableStream,
  { holdsBodies = false, largestBody = Number.POSITIVE_INFINITY }: Oddness,
  refuse: () => void,
): void {
  if (Number(incoming.headers['content-length'] ?? 0) > largestBody) return refuse();
  if (!holdsBodies) {
    incoming.pipe(outgoing);
    return;
  }
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.once('end', () => outgoing.end(Buffer.concat(chunks)));
}

function answerWith(response: ServerResponse, answer: IncomingMessage, { holdsAnswers = false }: Oddness): void {
  const { connection: _, 'transfer-encoding': __, ...headers } = answer.headers;
  const status = answer.statusCode ?? 502;
  answer.once('close', () => {
    if (!answer.complete) response.destroy();
  });
  if (!holdsAnswers) {
    response.writeHead(status, headers);
    response.flushHeaders();
    answer.pipe(response);
    return;
  }
  const chunks: Buffer[] = [];
  answer.on('data', (chunk: Buffer) => chunks.push(chunk));
  answer.once('end', () => response.writeHead(status, headers).end(Buffer.concat(chunks)));
}
