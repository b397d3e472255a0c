import { platform } from 'node:os';
import type { Clock } from 'wsproxy-engine';
import { followFile } from './followed-file.js';

/** When the system itself is asked for a name: instead of its nameservers, after they did not know it, or not at all. */
export type SystemTurn = 'alone' | 'after' | 'never';

/**
 * A function that says whether the system knows more than its hosts file and its nameservers do. On Linux nsswitch.conf
 * says so: mDNS, containers, a directory; without such a source it is not worth a thread. Elsewhere it may always.
 */
export function createSystemTurn(
  path: string = '/etc/nsswitch.conf',
  clock?: Clock,
  system: NodeJS.Platform = platform(),
): (name: string) => SystemTurn {
  const sources = followFile(path, parseSources, clock);
  return (name) => {
    // RFC 6762 section 3: no nameserver is responsible for those.
    const isLocal = name.endsWith('.local');
    if (system !== 'linux') return isLocal || !name.includes('.') ? 'alone' : 'after';
    const { nameservers, others } = sources();
    if (!nameservers || (isLocal && others.some((source) => source.startsWith('mdns')))) return 'alone';
    return others.length > 0 ? 'after' : 'never';
  };
}

interface Sources {
  /** Whether nameservers are to be asked at all. */
  readonly nameservers: boolean;
  /** Those beside the hosts file and the nameservers. */
  readonly others: readonly string[];
}

/** Reads `hosts:`, without what to do in which case. Where it is missing, the hosts file and nameservers are what there is. */
function parseSources(text: string): Sources {
  const line = text.split('\n').findLast((each) => /^\s*hosts:/.test(each)) ?? 'hosts: files dns';
  const words = line
    .replace(/#.*/, '')
    .replace(/\[[^\]]*\]/g, ' ')
    .trim()
    .split(/\s+/)
    .slice(1);
  return {
    // systemd-resolved is a nameserver too, and stands in resolv.conf.
    nameservers: words.includes('dns') || words.includes('resolve'),
    others: words.filter((source) => source !== 'files' && source !== 'dns'),
  };
}
