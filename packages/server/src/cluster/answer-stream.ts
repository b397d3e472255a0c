import type { ServerHttp2Stream } from 'node:http2';
import { ResponseHeadReader } from 'wsproxy-node/http-message';

/**
 * Gives the answer to an upgrade, as far as it has come, by a stream of HTTP/2: 200 is there what 101 is in HTTP/1.1, and there is no
 * word of the connection (RFC 8441 section 5). Of the headers those go on which are for the client.
 */
export function answerStream(stream: ServerHttp2Stream, answer: Buffer): void {
  const reader = new ResponseHeadReader('GET');
  const head = reader.read(answer);
  if (head === undefined) return void stream.destroy();
  const fields = head.fields.filter(({ name }) => FOR_CLIENTS.test(name));
  stream.respond({
    ':status': head.status === 101 ? 200 : head.status,
    ...Object.fromEntries(fields.map(({ name, value }) => [name.toLowerCase(), value])),
  });
  const rest = reader.takeRest();
  if (rest.length > 0) stream.write(rest);
}

const FOR_CLIENTS = /^(?:content-type|retry-after|sec-websocket-protocol|wsproxy-route|x-content-type-options)$/i;
