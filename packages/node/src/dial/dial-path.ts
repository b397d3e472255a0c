import { connect } from 'node:net';
import { type FailureCode, TunnelError } from 'wsproxy-engine';
import { ignoreErrors } from '../sockets/ignore-errors.js';
import type { RelaySocket } from '../sockets/reset-socket.js';
import { dialFailure } from '../targets/dial-failure.js';
import { type GiveUpSignal, onAbort } from './race/on-abort.js';

/** Connects to the Unix socket at `path`, as a dial does to a target: the system answers at once. Rejects with TunnelError. */
export function dialPath(path: string, signal: GiveUpSignal): Promise<RelaySocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    // Without this Node would read ahead before anybody has a place for the bytes.
    socket.pause();
    ignoreErrors(socket);
    const forgetSignal = onAbort(signal, () => {
      socket.destroy();
      reject(signal.reason);
    });
    const onError = (error: NodeJS.ErrnoException): void => {
      forgetSignal();
      reject(pathFailure(error));
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      forgetSignal();
      socket.off('error', onError);
      resolve(socket);
    });
  });
}

/** What the system says of a path, where that is not what it says of an address. */
const FAILURE_OF_ERRNO: Readonly<Record<string, FailureCode>> = {
  // Nothing listens there, nor has ever done so.
  ENOENT: 'CONNECTION_REFUSED',
  ENOTSOCK: 'CONNECTION_REFUSED',
  // The mode of the file, or of a folder on the way.
  EACCES: 'DENIED',
};

function pathFailure(error: NodeJS.ErrnoException): TunnelError {
  const code = FAILURE_OF_ERRNO[error.code ?? ''];
  return code === undefined ? dialFailure([error]) : new TunnelError(code, error.message, { cause: error });
}
