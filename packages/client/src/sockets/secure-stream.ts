import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

/** TLS with the destination itself, over a stream that leads there. `options` are those of `tls.connect`. */
export function secureStream(stream: Duplex, host: string, options: ConnectionOptions): TLSSocket {
  // Where to is decided: left in, these would be dialled from here.
  const { host: _host, port: _port, path: _path, socket: _socket, ...rest } = options;
  const servername = rest.servername || (isIP(host) === 0 ? host : '');
  return connect({ ...rest, host, servername, socket: stream });
}
