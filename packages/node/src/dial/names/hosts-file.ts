import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { platform } from 'node:os';
import { type Clock, systemClock } from 'wsproxy-engine';

const HOSTS_FILE = platform() === 'win32' ? String.raw`C:\Windows\System32\drivers\etc\hosts` : '/etc/hosts';

/** How long the file is believed to be unchanged, ms. */
const LIFETIME = 5_000;

/** A function that yields the addresses which the hosts file of this machine gives a canonical name. */
export function createHostsFile(
  path: string = HOSTS_FILE,
  clock: Clock = systemClock,
): (name: string) => readonly string[] {
  let names: ReadonlyMap<string, readonly string[]> = new Map();
  let version: number | undefined;
  let expires = Number.NEGATIVE_INFINITY;
  return (name) => {
    if (clock.now() >= expires) {
      expires = clock.now() + LIFETIME;
      const newest = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
      if (newest !== version) names = newest === undefined ? new Map() : parseHostsFile(readFileSync(path, 'utf8'));
      version = newest;
    }
    return names.get(name) ?? [];
  };
}

function parseHostsFile(text: string): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const alias of aliases) {
      const name = alias.toLowerCase();
      names.set(name, [...(names.get(name) ?? []), address]);
    }
  }
  return names;
}
