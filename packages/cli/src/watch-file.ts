import { unwatchFile as forget, watchFile as poll, statSync } from 'node:fs';

/** Between two looks at a file, and without a further change before the news is told, ms. */
const INTERVAL = 1_000;

/**
 * Calls `onChange` when a file, or one of several that belong together, has another content, and has been left alone
 * for `interval` ms; so half of what is written is not taken for the whole. Asks for the status of the file again and
 * again: what has moved may be the file, a symbolic link on the way to it (certbot, Kubernetes) or a mount, and on many
 * of them the system tells nobody. A file that is away is waited for. What has changed after `since` is told as well: anyone who
 * has read it may have read what was there before. Returns a function that ends it.
 */
export function watchFile(
  path: string | readonly string[],
  onChange: () => void,
  { interval = INTERVAL, since = performance.timeOrigin }: WatchOptions = {},
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const onStatus = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onChange, interval);
    timer.unref();
  };
  const paths = typeof path === 'string' ? [path] : path;
  for (const each of paths) poll(each, { interval, persistent: false }, onStatus);
  if (paths.some((each) => changedAt(each) >= since)) onStatus();
  // The first look of `poll` comes later, and takes for the beginning what has changed until then.
  const beginning = paths.map(statusOf).join();
  const first = setTimeout(() => paths.map(statusOf).join() !== beginning && onStatus(), interval);
  first.unref();
  return () => {
    clearTimeout(timer);
    clearTimeout(first);
    for (const each of paths) forget(each, onStatus);
  };
}

interface WatchOptions {
  /** Between two looks, and without a further change before the news is told, ms. Default 1 s. */
  readonly interval?: number;
  /** By the clock on the wall, ms. Default: the start of this process. */
  readonly since?: number;
}

/** By the clock on the wall, ms; of a file that is away never. */
function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? Number.NEGATIVE_INFINITY;
}

function statusOf(path: string): string {
  const { ino, size, mtimeMs, ctimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return [ino, size, mtimeMs, ctimeMs].join(' ');
}
