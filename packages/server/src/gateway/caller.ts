import type { IncomingMessage } from 'node:http';
import type { RemoteAddressOf } from './remote-address.js';

/** Who a request comes from, as far as it tells: fields of the log. Nothing of it was proved. */
export interface Caller {
  /** As a trusted proxy tells it. */
  readonly remoteAddress?: string | undefined;
  /** Of the client; undefined for other programs. */
  readonly version?: string | undefined;
  /** It only examines the way: `wsproxy-client doctor`. */
  readonly probe?: true | undefined;
  /** What carries its transport, if that is no WebSocket. */
  readonly way?: string;
  /** Another process of the cluster has handed it on. */
  readonly handed?: true;
}

/** As the client names itself (RFC 9110 section 10.1.5), no matter what stands beside it. */
const CLIENT = /(?:^| )wsproxy-client\/(\d[\w.+-]{0,31})(?: \((doctor)\)| |$)/;

export function callerOf(request: IncomingMessage, remoteAddressOf: RemoteAddressOf): Caller {
  const [, version, doctor] = CLIENT.exec(request.headers['user-agent'] ?? '') ?? [];
  return { remoteAddress: remoteAddressOf(request), version, ...(doctor !== undefined && { probe: true }) };
}
