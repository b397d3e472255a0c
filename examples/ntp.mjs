// Asks a time server (NTP) what time it is, by datagrams. They may be lost, so it asks again.
//
//   WSPROXY_TOKEN=... node ntp.mjs wss://proxy.example.org/tunnel ntp.example.org:123
import { randomFillSync } from 'node:crypto';
import { on } from 'node:events';
import { createClient } from 'wsproxy-client';

const [server, target] = process.argv.slice(2);
const client = createClient({ url: server, token: process.env.WSPROXY_TOKEN });
const socket = client.datagrams(target);

// RFC 5905 section 7.3: version 4, client; then what tells the answer to this question from others.
const question = randomFillSync(Buffer.alloc(48), 40);
question[0] = 0x23;

socket.send(question);
const again = setInterval(() => socket.send(question), 1_000);
try {
  for await (const [answer] of on(socket, 'message', { signal: AbortSignal.timeout(10_000) })) {
    if (answer.length < 48 || !answer.subarray(24, 32).equals(question.subarray(40, 48))) continue;
    // Seconds since 1900, with their fraction.
    const seconds = answer.readUInt32BE(40) - 2_208_988_800 + answer.readUInt32BE(44) / 2 ** 32;
    console.log(new Date(seconds * 1_000).toISOString());
    break;
  }
} catch (error) {
  // A TunnelError says by its code why: UNSUPPORTED, DENIED, NAME_NOT_FOUND, ...
  console.error(error.name === 'AbortError' ? `${target} does not answer` : error.message);
  process.exitCode = 1;
} finally {
  clearInterval(again);
  socket.close();
  await client.close();
}
