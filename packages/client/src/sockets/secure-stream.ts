import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { TunnelSocket } from './tunnel-socket.js';

/** TLS with the destination itself, over a stream that leads there. `options` are those of `tls.connect`. */
export function secureStream(stream: TunnelSocket, host: string, options: ConnectionOptions): TLSSocket {
  // Where to is decided: left in, these would be dialled from here.
  const { host: _host, port: _port, path: _path, socket: _socket, ...rest } = options;
  const servername = rest.servername || (isIP(host) === 0 ? host : '');
  const secured = connect({ ...rest, host, servername, socket: stream });
  // Its own would be of a handle that keeps nothing alive.
  return Object.assign(secured, {
    ref: () => {
      stream.ref();
      return secured;
    },
    unref: () => {
      stream.unref();
      return secured;
    },
  });
}
