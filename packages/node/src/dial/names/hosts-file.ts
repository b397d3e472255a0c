import { isIP } from 'node:net';
import { platform } from 'node:os';
import type { Clock } from 'wsproxy-engine';
import { followFile } from './followed-file.js';

const HOSTS_FILE = platform() === 'win32' ? String.raw`C:\Windows\System32\drivers\etc\hosts` : '/etc/hosts';

/** A function that yields the addresses which the hosts file of this machine gives a canonical name. */
export function createHostsFile(path: string = HOSTS_FILE, clock?: Clock): (name: string) => readonly string[] {
  const names = followFile(path, parseHostsFile, clock);
  return (name) => names().get(name) ?? [];
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
