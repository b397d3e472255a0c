import { once } from 'node:events';
import { readSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

export type Family = 'TCP' | 'Unix';

/** Two ends of one real connection over loopback, or over a Unix socket. Both keep half-closed connections. */
export async function connectedSockets(family: Family): Promise<[accepted: Socket, dialled: Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const folder = family === 'Unix' ? await mkdtemp(join(tmpdir(), 'relay-')) : undefined;
  if (folder === undefined) server.listen(0, '127.0.0.1');
  else server.listen(join(folder, 'socket'));
  await once(server, 'listening');
  const address = server.address();
  const where = typeof address === 'object' && address !== null ? address : { path: address ?? '' };
  const dialled = connect(
    'path' in where ? { ...where, allowHalfOpen: true } : { port: where.port, allowHalfOpen: true },
  );
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(dialled, 'connect')])) as [[Socket], []];
  server.close();
  if (folder !== undefined) await rm(folder, { recursive: true });
  return [accepted, dialled];
}

/** What an application sees of its connection. */
export class Observer {
  /** In their order: `end` for a clean one, `reset`, or the code of another error. */
  readonly events: string[] = [];
  readonly closed: Promise<void>;
  /** An end, clean or not. */
  readonly ended: Promise<void>;
  readonly #chunks: Buffer[] = [];
  readonly #socket: Duplex;
  #length = 0;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
    });
    socket.on('end', () => {
      if (wasReset(socket)) this.#onReset();
      else this.events.push('end');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') this.#onReset();
      else this.events.push(error.code ?? error.message);
    });
    socket.resume();
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()));
    this.ended = new Promise((resolve) => {
      for (const event of ['end', 'close']) socket.on(event, () => resolve());
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Waits until so many bytes have come. */
  async has(length: number): Promise<void> {
    while (this.#length < length) await once(this.#socket, 'data');
  }

  #onReset(): void {
    if (!this.events.includes('reset')) this.events.push('reset');
    this.#socket.destroy();
  }
}

/** Node 20 and 22 may tell a reset as an end. The kernel knows better: a clean end reads as nothing once more. */
function wasReset(socket: Duplex): boolean {
  const { fd = -1 } = (socket as { _handle?: { fd?: number } })._handle ?? {};
  try {
    return fd >= 0 && readSync(fd, Buffer.alloc(1)) !== 0;
  } catch {
    return true;
  }
}

/** Waits for a condition that no event tells of. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await look(1);
}

/** Waits until a value has been the same at so many looks that nothing seems to be under way that could change it. */
export async function untilStill(value: () => unknown): Promise<void> {
  let before = value();
  for (let same = 0; same < 20; ) {
    await look(5);
    const now = value();
    same = now === before ? same + 1 : 0;
    before = now;
  }
}

function look(after: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, after));
}
