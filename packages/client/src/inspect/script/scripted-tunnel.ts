import type { Duplex } from 'node:stream';
import { valuesOf } from 'wsproxy-node/http-message';
import type { Exchange } from '../http/tell.js';
import { compressionOf } from '../seen/extensions.js';
import { type ByteSource, send } from './byte-source.js';
import type { RequestFacts } from './calls.js';
import { isWebSocket } from './changed-head.js';
import { MessageFilter } from './message-filter.js';
import type { ResponseHead } from './read-heads.js';
import type { Script } from './script.js';

/** Carries what follows a 101, or an answer to CONNECT: messages of a WebSocket past the script, all else as it is. */
export async function carryTunnel({ near, far, up, down }: Ends, tunnel: ScriptedTunnel): Promise<void> {
  // What the destination has said last is passed on, also when nothing can be sent to it any more.
  const sending = pump(up, far, tunnel.exchange, 'up', filterOf(tunnel, 'up')).catch((error: unknown) => error);
  await pump(down, near, tunnel.exchange, 'down', filterOf(tunnel, 'down'));
  const failure = await sending;
  if (failure !== undefined) throw failure;
  tunnel.exchange.end();
}

export interface Ends {
  readonly near: Duplex;
  readonly far: Duplex;
  readonly up: ByteSource;
  readonly down: ByteSource;
}

export interface ScriptedTunnel {
  readonly exchange: Exchange;
  readonly script: Script;
  readonly request: RequestFacts;
  readonly head: ResponseHead;
}

/** Undefined where nothing is to be seen. */
function filterOf(
  { exchange, script, request, head }: ScriptedTunnel,
  direction: Direction,
): MessageFilter | undefined {
  const { status, fields } = head;
  if (status !== 101 || !isWebSocket(fields) || !script.seesMessages) return undefined;
  // Nobody has offered it.
  if (compressionOf(valuesOf(fields, 'sec-websocket-extensions').join(', ')) !== undefined) return undefined;
  const { id, url } = request;
  return new MessageFilter(direction === 'up', script.room, async (data) => {
    const verdict = await script.onMessage({ id, url, direction }, data);
    if (verdict !== undefined) exchange.onScripted('messages');
    return verdict;
  });
}

type Direction = 'up' | 'down';

async function pump(
  from: ByteSource,
  to: Duplex,
  exchange: Exchange,
  direction: Direction,
  filter: MessageFilter | undefined,
): Promise<void> {
  const pass = async (bytes: Buffer): Promise<void> => {
    if (bytes.length === 0) return;
    exchange.onBytes(direction, bytes);
    await send(to, bytes);
  };
  try {
    for (let bytes = await from.read(); bytes !== undefined; bytes = await from.read()) {
      if (filter === undefined) await pass(bytes);
      else for await (const piece of filter.push(bytes)) await pass(piece);
    }
    if (filter !== undefined) await pass(filter.end());
    to.end();
  } finally {
    filter?.close();
  }
}
