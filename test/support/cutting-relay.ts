import { connect, type Socket } from 'node:net';
import { listen } from './listen.js';

/** How a connection is cut: as a firewall or a crash does it, or as a reverse proxy that restarts. */
export type Cut = 'reset' | 'end';

export interface CuttingRelay {
  readonly port: number;
  /** Cuts so far. */
  readonly cuts: number;
}

export interface CuttingRelayOptions {
  /** Where to pass connections on to. */
  readonly to: number;
  /** A cut comes whenever so many bytes have passed, in both directions together. */
  readonly every: number;
  /** The kind of each cut; after the last one connections live. */
  readonly kinds: readonly Cut[];
}

/** A TCP relay between client and server that cuts what passes through it. */
export async function startCuttingRelay(options: CuttingRelayOptions): Promise<CuttingRelay> {
  let cuts = 0;
  let passed = 0;

  const count = (bytes: number, sockets: readonly Socket[]) => {
    passed += bytes;
    const kind = options.kinds[cuts];
    if (kind === undefined || passed < options.every) return;
    passed = 0;
    cuts += 1;
    for (const socket of sockets) cut(socket, kind);
  };

  const { port } = await listen((near) => {
    const far = connect({ port: options.to, host: '127.0.0.1', allowHalfOpen: true });
    far.on('error', () => {});
    const sockets = [near, far];
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      from.pipe(to);
      from.on('data', (chunk: Buffer) => count(chunk.length, sockets));
      from.on('close', () => to.destroy());
    }
  });
  return {
    port,
    get cuts() {
      return cuts;
    },
  };
}

function cut(socket: Socket, kind: Cut): void {
  if (kind === 'reset') socket.resetAndDestroy();
  else socket.end(() => socket.destroy());
}
