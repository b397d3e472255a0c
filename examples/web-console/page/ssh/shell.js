import { readFile, writeFile } from './files.js';
import { openShell, openSsh, resize } from './session.js';

/**
 * A shell on an ssh server, for a console.
 *
 * @param {{ readable: ReadableStream, writable: WritableStream }} channel
 * @param {object} options as `openSsh` has them
 * @param {{ columns: number, rows: number }} size
 * @param {(bytes: Uint8Array, taken: () => void) => void} onOutput calls `taken` when the bytes are shown: no more than the
 *   window of the channel waits
 */
export async function openSshShell(channel, options, size, onOutput) {
  const session = await openSsh(channel, options);
  const shell = await openShell(session, size);
  const take = (data) => onOutput(Uint8Array.from(data), () => shell.adjustWindow(data.length));
  shell.onDataReceived(take);
  shell.onExtendedDataReceived(({ data }) => take(data));
  const ended = new Promise((resolve) => {
    shell.onClosed(({ exitStatus, exitSignal, error }) => {
      if (error !== undefined) resolve(`The connection is lost: ${error.message}`);
      else
        resolve(exitSignal ? `The shell was ended by ${exitSignal}.` : `The shell has ended with ${exitStatus ?? 0}.`);
      session.dispose();
    });
  });
  // Nobody waits for what is typed; a lost connection ends the shell.
  const quietly = (promise) => void promise.catch(() => {});
  return {
    ended,
    write: (bytes) => quietly(shell.send(bytes)),
    resize: (to) => quietly(resize(shell, to)),
    close: () => session.dispose(),
    files: {
      upload: (file, path, onProgress) => writeFile(session, path, file, onProgress),
      download: (path, onProgress) => readFile(session, path, onProgress),
    },
  };
}
