import { connect } from 'node:net';

/** Opens a connection to `target` ([host, port]) through the SOCKS5 proxy at `via`; rejects when that is refused. */
export function socksConnect(via, target) {
  const socket = connect({ host: via[0], port: via[1], allowHalfOpen: true, noDelay: true });
  const host = Buffer.from(target[0]);
  const port = Buffer.from([target[1] >> 8, target[1] & 255]);
  socket.write(Buffer.concat([Buffer.from([5, 1, 0, 5, 1, 0, 3, host.length]), host, port]));
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('data', function onData(data) {
      seen = Buffer.concat([seen, data]);
      if (seen.length < 12) return;
      socket.off('data', onData);
      socket.pause();
      if (seen.length > 12) socket.unshift(seen.subarray(12));
      if (seen[3] === 0) resolve(socket);
      else reject(new Error(`SOCKS reply ${seen[3]}`));
    });
  });
}
