import type { Socket } from 'node:net';
import { createClient } from 'wsproxy-client';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';

export const DATA = 0;
export const CONTROL = 1;

/** Channels to the container service of the web console, as a page of alice has them. */
export function startContainerClient(origin: string) {
  const client = createClient({ url: `${origin.replace('http', 'ws')}/tunnel`, token: TOKEN });
  atEnd(() => client.close());
  /** Opens a channel, and asks this there. */
  const open = async (wish: unknown): Promise<Socket> => {
    const socket = await client.connect({ host: 'exec.docker.wsproxy.invalid', port: 1 }, { allowHalfOpen: true });
    // The server that ends takes it along.
    socket.on('error', () => {});
    socket.write(message(CONTROL, JSON.stringify(wish)));
    return socket;
  };
  /** Gives the first answer, and ends the channel as the page does. */
  const ask = async (wish: unknown): Promise<unknown> => {
    const socket = await open(wish);
    const answer = JSON.parse((await readMessage(socket)).text);
    socket.end();
    socket.resume();
    return answer;
  };
  return { open, ask };
}

/** As the page and the container service say it. */
export function message(kind: number, text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(5);
  head[0] = kind;
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** The next message of the container service. */
export async function readMessage(socket: Socket): Promise<{ readonly kind: number; readonly text: string }> {
  const [kind = -1, ...length] = await read(socket, 5);
  const bytes = await read(socket, Buffer.from(length).readUInt32BE());
  return { kind, text: String(bytes) };
}

async function read(socket: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const bytes = socket.read(count);
    if (bytes !== null) return bytes;
    if (socket.readableEnded || socket.destroyed) throw new Error('The server has closed the channel.');
    await new Promise((resolve) => {
      const settle = (): void => {
        for (const event of EVENTS) socket.off(event, settle);
        resolve(undefined);
      };
      for (const event of EVENTS) socket.on(event, settle);
    });
  }
}

const EVENTS = ['readable', 'end', 'close'];
