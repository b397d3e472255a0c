import { readFileSync, statSync } from 'node:fs';
import { type Clock, systemClock } from 'wsproxy-engine';

/** How long a file is believed to be unchanged, ms. */
const LIFETIME = 1_000;

/**
 * A function that yields what `parse` makes of a file of the system, and makes it anew when the file has changed: it is
 * looked at when somebody asks, so that nothing runs while nobody does. A file that cannot be read is an empty one.
 */
export function followFile<T>(path: string, parse: (text: string) => T, clock: Clock = systemClock): () => T {
  let version: string | undefined;
  let expires = Number.NEGATIVE_INFINITY;
  let parsed = parse('');
  return () => {
    if (clock.now() < expires) return parsed;
    expires = clock.now() + LIFETIME;
    const newest = versionOf(path);
    if (newest !== version) parsed = parse(newest === undefined ? '' : read(path));
    version = newest;
    return parsed;
  };
}

/** Undefined when there is none. What has moved may be the file, a symbolic link on the way to it, or a mount. */
function versionOf(path: string): string | undefined {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(path);
    return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
  } catch {
    return undefined;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  } catch {
    return '';
  }
}
