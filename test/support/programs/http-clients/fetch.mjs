// Asks for what standard input lists, one `name method url` a line, and prints what came of each as JSON. The first argument
// is the library, http or undici, the second one, if there is one, the proxy.
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { Agent, ProxyAgent, request as undiciRequest } from 'undici';

const TIMEOUT = 10_000;
const [library, proxy] = process.argv.slice(2);

/** Plain requests in absolute form: by default undici makes a tunnel even for http. */
const dispatcher = proxy === undefined ? new Agent() : new ProxyAgent({ uri: proxy, proxyTunnel: false });

async function fetchByUndici(method, url) {
  const { statusCode, body } = await undiciRequest(url, {
    method,
    dispatcher,
    reset: true,
    signal: AbortSignal.timeout(TIMEOUT),
  });
  return { status: statusCode, content: Buffer.from(await body.arrayBuffer()).toString('latin1') };
}

function fetchByHttp(method, url) {
  return new Promise((resolve, reject) => {
    const { host, pathname } = new URL(url);
    const where = proxy === undefined ? url : new URL(proxy);
    const asked = request(where, {
      method,
      path: proxy === undefined ? pathname : url,
      headers: { host },
      agent: false,
    });
    asked.setTimeout(TIMEOUT, () => asked.destroy(new Error('no answer in time')));
    asked.once('error', reject);
    asked.once('upgrade', () => reject(new Error('upgraded')));
    asked.once('response', (response) => {
      buffer(response).then((bytes) => {
        resolve({ status: response.statusCode, content: bytes.toString('latin1') });
      }, reject);
    });
    asked.end();
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, method, url] = line.split(' ');
  const fetched = library === 'undici' ? fetchByUndici(method, url) : fetchByHttp(method, url);
  const result = await fetched.catch((error) => ({ error: String(error) }));
  process.stdout.write(`${JSON.stringify({ name, ...result })}\n`);
}
await dispatcher.close();
