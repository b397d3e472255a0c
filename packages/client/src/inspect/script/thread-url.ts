/** The module that a script runs in. It is compiled, and found from `src` as from `dist`. */
export function threadUrl(): URL {
  return new URL('../../../dist/inspect/script/thread.js', import.meta.url);
}
