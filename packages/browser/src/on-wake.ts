import { type Clock, systemClock } from 'wsproxy-engine';

/**
 * Calls `wake` when the page may have slept or changed its network; until what is returned is called. Timers do not tell that in
 * time: in a page in the background they run once a minute.
 */
export function onWake(wake: () => void, clock: Pick<Clock, 'wallTime'> = systemClock): () => void {
  // A worker has no document.
  const { document } = globalThis as { document?: Document };
  let toldAt = Number.NEGATIVE_INFINITY;
  const tell = (): void => {
    const now = clock.wallTime();
    // Several events tell of one awakening. The time of day goes on while a machine sleeps, and somebody may set it back.
    if (now >= toldAt && now < toldAt + ONE_AWAKENING) return;
    toldAt = now;
    wake();
  };
  const onVisible = (): void => {
    if (document?.visibilityState === 'visible') tell();
  };
  document?.addEventListener('visibilitychange', onVisible);
  document?.addEventListener('resume', tell);
  for (const name of OF_PAGE) globalThis.addEventListener?.(name, tell);
  return () => {
    document?.removeEventListener('visibilitychange', onVisible);
    document?.removeEventListener('resume', tell);
    for (const name of OF_PAGE) globalThis.removeEventListener?.(name, tell);
  };
}

const OF_PAGE = ['online', 'pageshow'] as const;
/** ms. */
const ONE_AWAKENING = 1_000;
