// Fetches many URLs, some at a time, and shows how far it is. What cannot be fetched is told in the end, with the reason.
//
//   WSPROXY_TOKEN=... node scrape.mjs wss://proxy.example.org/tunnel urls.txt [at-a-time]
import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import { createClient } from 'wsproxy-client';

const [server, list, limit = '50'] = process.argv.slice(2);
const urls = (await readFile(list, 'utf8')).split('\n').filter((line) => line !== '');
const failures = [];
let done = 0;
let bytes = 0;

const client = createClient({ url: server, token: process.env.WSPROXY_TOKEN });
const dispatcher = await client.dispatcher();
const waiting = urls[Symbol.iterator]();
// As many workers as requests may run at a time take the next URL from one list.
await Promise.all(Array.from({ length: Number(limit) }, work));
await dispatcher.close();
await client.close();

process.stderr.write('\n');
console.log(`${done - failures.length} of ${urls.length} fetched, ${bytes} bytes`);
for (const { url, reason } of failures) console.log(`failed: ${url}: ${reason}`);

async function work() {
  for (const url of waiting) {
    try {
      const { statusCode, body } = await request(url, { dispatcher });
      bytes += (await body.arrayBuffer()).byteLength;
      if (statusCode >= 400) failures.push({ url, reason: `status ${statusCode}` });
    } catch (error) {
      // A TunnelError says by its code why: CONNECTION_REFUSED, NAME_NOT_FOUND, DENIED, ...
      failures.push({ url, reason: error.code ?? error.message });
    }
    done += 1;
    showProgress();
  }
}

function showProgress() {
  const width = 40;
  const full = Math.floor((width * done) / urls.length);
  process.stderr.write(`\r${'█'.repeat(full)}${'░'.repeat(width - full)} ${done}/${urls.length}`);
}
