/**
 * Timers come late there: by a second, by a minute after some time, and by more than that where the page has no WebSocket and
 * its own timers have much to do. Of what must not wait for them the browser tells by events.
 */
export function isInBackground(): boolean {
  // A worker has no document.
  const { document } = globalThis as { document?: Document };
  return document?.visibilityState === 'hidden';
}
