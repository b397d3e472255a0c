import { type Channel, type FailureCode, type Target, type Tunnel, TunnelError } from 'wsproxy-engine';
import { ChannelStreams } from './channel-streams.js';
import type { Connection, OpenConnection } from './connection.js';

/** Opens a channel to `target`. `whyDown` tells why there is no way to the server. */
export function openConnection(tunnel: Tunnel, target: Target, whyDown: () => Error | undefined): Connection {
  let channel: Channel | undefined;
  let streams: ChannelStreams | undefined;
  let fail: (error: TunnelError) => void = () => {};
  const opened = new Promise<OpenConnection>((resolve, reject) => {
    const handler = {
      onOpen: () => {
        streams = new ChannelStreams(channel as Channel);
        resolve(streams);
      },
      onFail: (code: FailureCode) => {
        const cause = code === 'TUNNEL_DOWN' ? whyDown() : undefined;
        reject(new TunnelError(code, undefined, cause && { cause }));
      },
    };
    fail = reject;
    channel = tunnel.open(target, handler);
  });
  const closed = opened.then((connection) => connection.closed);
  // Nobody need look at it: readers and writers are told as well.
  closed.catch(() => {});
  const close = (): void => {
    if (streams !== undefined) return streams.close();
    channel?.reset('CANCELLED');
    fail(new TunnelError('CANCELLED'));
  };
  return { opened, closed, close };
}
