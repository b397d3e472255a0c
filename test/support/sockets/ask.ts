import { expect } from 'vitest';
import { keystreamBytes } from '../keystream.js';
import { connectTo, readBytes } from './application.js';

/** Makes a connection to a port with an echo behind it, and has so many bytes come back. */
export async function ask(port: number, length: number = 5): Promise<void> {
  const socket = await connectTo(port);
  const said = keystreamBytes('asked', length);
  socket.write(said);
  expect((await readBytes(socket, length)).equals(said)).toBe(true);
  socket.destroy();
}
