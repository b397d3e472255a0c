import { allocate } from '../bytes.js';
import type { Clock } from '../clock.js';
import type { FailureCode } from '../failures.js';
import type { ListenRequest } from '../frame/listen.js';
import type { ListenHandler } from '../listen/listener.js';
import { SessionListener } from '../listen/session-listener.js';

/** A listener that belongs to no session and fails as soon as the caller has returned. */
export function stillbornListener(
  clock: Clock,
  request: ListenRequest,
  handler: ListenHandler,
  code: FailureCode,
): SessionListener {
  const carrier = { now: () => clock.now(), onSendable() {}, onListenerOver() {} };
  const listener = SessionListener.request(request, allocate(0), carrier, handler);
  clock.defer(() => listener.onDead(code));
  return listener;
}
