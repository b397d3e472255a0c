import { closeSync, lstatSync, openSync, rmSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { umask } from 'node:process';

/** Nobody but the owner may connect: it takes the right to write. */
const OWNER_ONLY = 0o177;

/**
 * Calls `listen`, which listens on the Unix socket `path`, so that only the owner can connect from the first moment on.
 * A socket file that a dead program has left behind is removed before. Rejects with EADDRINUSE when somebody listens
 * there, with EEXIST when what is there is no socket. The system removes the file when the server is closed.
 */
export async function listenOnUnixSocket<T>(path: string, listen: () => Promise<T>): Promise<T> {
  const release = claim(path);
  try {
    await removeStaleSocket(path);
    // Node binds before `listen` returns; to change the mode afterwards would leave a moment in between.
    const before = umask(OWNER_ONLY);
    try {
      return listen();
    } finally {
      umask(before);
    }
  } finally {
    release();
  }
}

/**
 * Until what is returned is called no other program looks what is at `path`, or listens there: of two that find the same dead
 * socket, each could remove the new one of the other. Throws EADDRINUSE when somebody else does so now.
 */
function claim(path: string): () => void {
  const lock = `${path}.lock`;
  const found = lstatSync(lock, { throwIfNoEntry: false, bigint: true });
  // Anyone who has left it was killed on the way.
  if (found !== undefined && Date.now() - Number(found.mtimeMs) > LONGEST_CLAIM) rmSync(lock, { force: true });
  try {
    closeSync(openSync(lock, 'wx', OWNERS));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw Object.assign(new Error(`${path} is about to be used`), { code: 'EADDRINUSE' });
  }
  return () => rmSync(lock, { force: true });
}

/** A claim is held while one connection is tried, ms. */
const LONGEST_CLAIM = 10_000;
const OWNERS = 0o600;

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
