import type { OpenHandler } from '../channel/handlers.js';
import { nowhere } from '../channel/nowhere.js';
import { SessionChannel } from '../channel/session-channel.js';
import type { Clock } from '../clock.js';
import type { FailureCode } from '../failures.js';

/** A channel that belongs to no session and fails as soon as the caller has returned. */
export function stillbornChannel(clock: Clock, handler: OpenHandler, code: FailureCode): SessionChannel {
  const carrier = nowhere(clock);
  const channel = SessionChannel.request(0, { host: 'nowhere', port: 0 }, carrier, handler);
  clock.defer(() => channel.onDead(code));
  return channel;
}
