import type { Clock } from 'wsproxy-engine';

/** Does `task` once for all that ask for it in one turn of the event loop, at its end. */
export function onceATurn(clock: Pick<Clock, 'deferPastInput'>, task: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    clock.deferPastInput(() => {
      isDue = false;
      task();
    });
  };
}
