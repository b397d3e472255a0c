/** Calls `leave` when the page goes for good: somebody closes or reloads it, or goes to another; until what is returned is called. */
export function onLeave(leave: () => void): () => void {
  const onHide = ({ persisted }: { readonly persisted?: boolean }): void => {
    // The browser keeps such a page, and may show it again.
    if (persisted !== true) leave();
  };
  const listener = onHide as (event: Event) => void;
  globalThis.addEventListener?.('pagehide', listener);
  return () => globalThis.removeEventListener?.('pagehide', listener);
}
