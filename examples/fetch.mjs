// Fetches pages through the tunnel, without a local port.
//
//   WSPROXY_TOKEN=... node fetch.mjs wss://proxy.example.org/tunnel https://example.com/ ...
import { fetch } from 'undici';
import { createClient } from 'wsproxy-client';

const [server, ...pages] = process.argv.slice(2);
const client = createClient({ url: server, token: process.env.WSPROXY_TOKEN });
const dispatcher = await client.dispatcher();
try {
  for (const page of pages) {
    const response = await fetch(page, { dispatcher });
    console.log(`${response.status} ${page} ${(await response.arrayBuffer()).byteLength} bytes`);
  }
} finally {
  await dispatcher.close();
  await client.close();
}
