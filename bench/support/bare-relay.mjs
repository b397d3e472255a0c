// What a tunnel is measured against: two sockets, joined with pipe(), and nothing else.
//   node bare-relay.mjs '{"to": [host, port], "cert"?: file, "key"?: file, "ca"?: file}'
// Listens with TLS if there is a certificate, connects with TLS if there is an authority.
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';

export function createBareRelay({ to: [host, port], cert, key, ca }) {
  const common = { allowHalfOpen: true, noDelay: true };
  const destination = { host, port, ...common };
  const authority = ca && readFileSync(ca);
  const join = (near) => {
    near.setNoDelay();
    const far = authority
      ? connectTls({ ...destination, servername: 'localhost', ca: authority })
      : connect(destination);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.pipe(far).pipe(near);
  };
  if (cert === undefined) return createServer(common, join);
  return createTlsServer({ ...common, cert: readFileSync(cert), key: readFileSync(key) }, join);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const server = createBareRelay(JSON.parse(process.argv[2])).listen(0, '127.0.0.1', () => {
    process.stderr.write(`${JSON.stringify({ msg: 'ready', listen: `127.0.0.1:${server.address().port}` })}\n`);
  });
}
