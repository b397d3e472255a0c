/**
 * Calls `wake` whenever the page may have slept or changed its network; until what is returned is called. Timers do not tell that in
 * time: in a page in the background they run once a minute.
 */
export function onWake(wake: () => void): () => void {
  // A worker has no document.
  const { document } = globalThis as { document?: Document };
  const onVisible = (): void => {
    if (document?.visibilityState === 'visible') wake();
  };
  document?.addEventListener('visibilitychange', onVisible);
  document?.addEventListener('resume', wake);
  for (const name of OF_PAGE) globalThis.addEventListener?.(name, wake);
  return () => {
    document?.removeEventListener('visibilitychange', onVisible);
    document?.removeEventListener('resume', wake);
    for (const name of OF_PAGE) globalThis.removeEventListener?.(name, wake);
  };
}

const OF_PAGE = ['online', 'pageshow'] as const;
