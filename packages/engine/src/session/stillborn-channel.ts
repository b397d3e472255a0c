import type { OpenHandler } from '../channel/handlers.js';
import { nowhere } from '../channel/nowhere.js';
import { SessionChannel } from '../channel/session-channel.js';
import type { Clock } from '../clock.js';
import type { FailureCode } from '../failures.js';
import type { SlabPool } from '../memory/slab-pool.js';

/** A channel that belongs to no session and fails as soon as the caller has returned. */
export function stillbornChannel(
  clock: Clock,
  memory: SlabPool,
  handler: OpenHandler,
  code: FailureCode,
): SessionChannel {
  const carrier = nowhere(clock, memory);
  const channel = SessionChannel.request(0, { host: 'nowhere', port: 0 }, carrier, handler);
  clock.defer(() => channel.onDead(code));
  return channel;
}
