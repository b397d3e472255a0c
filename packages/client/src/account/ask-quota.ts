import { ACCOUNT_HOST, type Clock, systemClock, type Target, type Tunnel, TunnelError } from 'wsproxy-engine';
import { type ChannelStream, streamTo } from 'wsproxy-node/relay';

/** The service of the server that tells a user what is counted for it (PROTOCOL.md section 5). */
export const ACCOUNT: Target = { host: ACCOUNT_HOST, port: 1 };

/**
 * Asks for it in a channel of `tunnel`, whose server must have said that it tells the account. Rejects when it says something
 * else, or too much, or not all of it in time.
 */
export async function askQuota(tunnel: Tunnel, clock: Clock = systemClock): Promise<Quota> {
  const stream = streamTo(tunnel, ACCOUNT);
  const late = new TunnelError('TIMED_OUT', 'the server does not tell the account in time');
  const timer = clock.setTimer(() => stream.destroy(late), DEADLINE);
  try {
    return await readQuota(stream);
  } finally {
    timer.cancel();
    stream.destroy();
  }
}

/** What a user may carry in this calendar month, and has carried. */
export interface Quota {
  /** Of both ways. */
  readonly bytes: number;
  /** Undefined: none. */
  readonly limit: number | undefined;
  /** When counting begins again, as in RFC 3339. */
  readonly endsAt: string;
}

/** More than a server has to say, bytes. */
const MAX_LENGTH = 16_384;
/** ms. */
const DEADLINE = 10_000;

async function readQuota(stream: ChannelStream): Promise<Quota> {
  stream.end();
  let text = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8');
    if (text.length > MAX_LENGTH) throw new Error('the server says too much of the account');
  }
  const { quota } = JSON.parse(text) as { quota?: { bytes?: unknown; limit?: unknown; endsAt?: unknown } };
  const { bytes, limit, endsAt } = quota ?? {};
  const end = new Date(String(endsAt));
  if (!isCount(bytes) || (limit !== null && !isCount(limit)) || Number.isNaN(end.getTime())) {
    throw new Error('the server says nothing of the account that this program understands');
  }
  return { bytes, limit: limit ?? undefined, endsAt: end.toISOString() };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
