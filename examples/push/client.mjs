// Takes what examples/push/server.mjs sends, and prints it: each message once, also after this program was killed.
//   WSPROXY_TOKEN=... node examples/push/client.mjs ws://127.0.0.1:8080/tunnel had.json

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createClient, receivePushes } from 'wsproxy-client';

const [, , url, file = 'had.json'] = process.argv;
const client = createClient({ url, token: process.env.WSPROXY_TOKEN });

// What was done with a message and that it was done are kept in one step: here both are a line in one file. A program with a
// database does both in one transaction.
const had = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { messages: [] };

receivePushes(
  client,
  'messages',
  (message, position) => {
    had.messages.push(String(message));
    had.position = position;
    writeFileSync(`${file}.new`, JSON.stringify(had));
    renameSync(`${file}.new`, file);
    console.log(`${position.number} ${message}`);
  },
  { after: had.position, onError: (error) => console.error(error.message) },
);
await client.start();
