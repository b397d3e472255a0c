import { type Target, type Tunnel, TunnelError } from 'wsproxy-engine';
import { ChannelStream } from './channel-stream.js';

/** A channel to `target` as a stream; a failure is its error. */
export function streamTo(tunnel: Tunnel, target: Target): ChannelStream {
  const channel = tunnel.open(target, { onOpen() {}, onFail: (code) => stream.destroy(new TunnelError(code)) });
  const stream = new ChannelStream(channel, { allowHalfOpen: true });
  return stream;
}
