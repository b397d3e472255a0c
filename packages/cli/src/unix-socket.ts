import { lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';

/** Nobody but the owner may connect: it takes the right to write. */
const OWNER_ONLY = 0o177;

/**
 * Calls `listen`, which listens on the Unix socket `path`, so that only the owner can connect from the first moment on.
 * A socket file that a dead program has left behind is removed before. Rejects with EADDRINUSE when somebody listens
 * there, with EEXIST when what is there is no socket. The system removes the file when the server is closed.
 */
export async function listenOnUnixSocket<T>(path: string, listen: () => Promise<T>): Promise<T> {
  await removeStaleSocket(path);
  // Node binds before `listen` returns; to change the mode afterwards would leave a moment in between.
  const before = process.umask(OWNER_ONLY);
  try {
    return listen();
  } finally {
    process.umask(before);
  }
}

async function removeStaleSocket(path: string): Promise<void> {
  // With bigint, since Node's search for modules looks at what the last call without it has found, and fails where that
  // was a socket.
  const status = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  if (status === undefined) return;
  if (!status.isSocket()) throw Object.assign(new Error(`${path} is not a socket`), { code: 'EEXIST' });
  if (await isAnswered(path)) throw Object.assign(new Error(`${path} is in use`), { code: 'EADDRINUSE' });
  unlinkSync(path);
}

/** Only a refused connection proves that nobody is there: a full queue is somebody. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}
