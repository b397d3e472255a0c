// A proxy near the client that holds back what it passes on until it is whole, and keeps its connections to the server:
//   node holding-proxy.mjs '{"to": [host, port], "answers": false}'
// Bodies of requests it always holds back, answers if it is told so.
import { Agent, createServer, request } from 'node:http';

const { to, answers } = JSON.parse(process.argv[2]);
const agent = new Agent({ keepAlive: true, noDelay: true });

const proxy = createServer({ noDelay: true }, (incoming, response) => void serve(incoming, response));

async function serve(incoming, response) {
  incoming.on('error', () => {});
  const { connection: _, 'transfer-encoding': __, ...headers } = incoming.headers;
  const body = await whole(incoming);
  if (body === undefined) return;
  const length = { 'content-length': body.length };
  const [host, port] = to;
  const outgoing = request({
    agent,
    host,
    port,
    method: incoming.method,
    path: incoming.url,
    headers: { ...headers, ...length },
  });
  outgoing.on('error', () => response.destroy());
  outgoing.once('response', (answer) => void passOn(answer, response));
  response.once('close', () => outgoing.destroy());
  outgoing.end(body);
}

async function passOn(answer, response) {
  const { connection: _, 'transfer-encoding': __, 'keep-alive': ___, ...headers } = answer.headers;
  answer.once('error', () => response.destroy());
  if (!answers) {
    response.writeHead(answer.statusCode, headers);
    response.flushHeaders();
    answer.pipe(response);
    return;
  }
  const body = await whole(answer);
  if (body !== undefined) response.writeHead(answer.statusCode, headers).end(body);
}

/** Undefined for one that was cut. */
function whole(message) {
  const chunks = [];
  message.on('data', (chunk) => chunks.push(chunk));
  return new Promise((resolve) => {
    message.once('end', () => resolve(Buffer.concat(chunks)));
    message.once('close', () => resolve(undefined));
  });
}

proxy.listen(0, '127.0.0.1', () => {
  const { address, port } = proxy.address();
  process.stderr.write(`${JSON.stringify({ msg: 'ready', listen: `${address}:${port}` })}\n`);
});
