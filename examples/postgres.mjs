// Asks a PostgreSQL server that only the far end of the tunnel reaches.
//
//   WSPROXY_TOKEN=... node postgres.mjs wss://proxy.example.org/tunnel postgres://user:password@db.internal:5432/name
import postgres from 'postgres';
import { createClient } from 'wsproxy-client';

const [server, database] = process.argv.slice(2);
const client = createClient({ url: server, token: process.env.WSPROXY_TOKEN });
const sql = postgres(database, {
  // Every connection of its pool is a channel.
  socket: ({ host: [host], port: [port] }) => client.connect({ host, port }),
});
try {
  const [{ version }] = await sql`select version()`;
  console.log(version);
  const [{ sum }] = await sql`select sum(n) from generate_series(1, ${1000}::int) as n`;
  console.log(`the sum of 1 to 1000 is ${sum}`);
} finally {
  await sql.end();
  await client.close();
}
