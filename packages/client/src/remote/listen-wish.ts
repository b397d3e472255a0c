import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { formatTarget, type ListenKind, type ListenRequest, type Peer } from 'wsproxy-engine';
import { type ListenPlace, MAX_LABEL } from '../options/remote-options.js';

/** What is to be listened on, no matter what session asks for it. */
export interface ListenWish extends Pick<ListenRequest, 'kind' | 'bind' | 'port' | 'backlog' | 'name'> {
  /** The same for people. */
  readonly text: string;
}

/** `target`: where it leads, which tells apart what may be at any port. */
export function wishFor(place: ListenPlace, target: string, options: WishOptions): ListenWish {
  const { kind, bind: host, port } = place;
  const text = addressText(kind, { host, port });
  // What is bound, however it was said: so a program has what a command line has left, and the other way round.
  const where = addressText(kind, { host: host === '' ? '127.0.0.1' : host, port });
  const isAnywhere = port === 0 && (kind === 'tcp' || kind === 'udp');
  const name = options.label ?? `${hostname()}/${where}${isAnywhere ? ` ${target}` : ''}`;
  return { ...place, backlog: options.backlog ?? 0, name: shortened(name), text };
}

export interface WishOptions {
  readonly backlog?: number | undefined;
  readonly label?: string | undefined;
}

/** Where a server listens, or is to, for people: `127.0.0.1:8000`, `[::]:53/udp`, `unix:/run/x`, `http:example.org`. */
export function addressText(kind: ListenKind, { host, port }: Peer): string {
  if (kind !== 'tcp' && kind !== 'udp') return `${kind}:${host}`;
  const text = formatTarget({ host: host === '' ? 'localhost' : host, port });
  return kind === 'udp' ? `${text}/udp` : text;
}

/** As much as fits into a request, and the same for the same name. */
function shortened(name: string): string {
  return Buffer.byteLength(name) <= MAX_LABEL ? name : createHash('sha256').update(name).digest('hex');
}
