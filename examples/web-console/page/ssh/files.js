import { Buffer } from 'buffer';
import { openCommand } from './session.js';

// The ssh library has no SFTP. Files go through `cat`, which every Unix has.

/** Bytes that are sent at a time. */
const PIECE = 64 * 1024;

/**
 * Reads a file of the server.
 *
 * @returns {Promise<Blob>}
 * @throws {Error} with what the server says
 */
export async function readFile(session, path, onProgress) {
  const command = await openCommand(session, `cat -- ${quote(path)}`);
  const pieces = [];
  let size = 0;
  command.onDataReceived((data) => {
    pieces.push(new Blob([data]));
    size += data.length;
    command.adjustWindow(data.length);
    onProgress(size);
  });
  await endOf(command);
  return new Blob(pieces);
}

/**
 * Writes a file of the server. It gets its name only when all of it is there.
 *
 * @param {File} file
 */
export async function writeFile(session, path, file, onProgress) {
  const [name, part] = [quote(path), quote(`${path}.part`)];
  // A lost connection is the end of the input too: what was written then is too short.
  const isNoFolder = `{ [ ! -d ${name} ] || { echo 'This is a folder. Add the name of the file.' >&2; false; }; }`;
  const steps = [isNoFolder, `cat > ${part}`, `[ "$(wc -c < ${part})" -eq ${file.size} ]`, `mv -f -- ${part} ${name}`];
  const command = await openCommand(session, steps.join(' && '));
  const end = endOf(command);
  // Told below.
  end.catch(() => {});
  let sent = 0;
  for (let at = 0; at < file.size && !command.isClosed; at += PIECE) {
    const piece = Buffer.from(await file.slice(at, at + PIECE).arrayBuffer());
    await Promise.race([command.send(piece), end]);
    sent += piece.length;
    onProgress(sent);
  }
  // Nothing is the end of the input.
  if (!command.isClosed) await command.send(Buffer.alloc(0));
  await end;
}

/** Resolves when the command has ended well. */
function endOf(command) {
  let complaint = '';
  command.onExtendedDataReceived(({ data }) => {
    complaint = (complaint + data.toString('utf8')).slice(0, 1000);
    command.adjustWindow(data.length);
  });
  return new Promise((resolve, reject) => {
    command.onClosed(({ exitStatus, error }) => {
      if (exitStatus === 0) resolve();
      else reject(error ?? new Error(complaint.trim() || `The command has failed with ${exitStatus}.`));
    });
  });
}

const quote = (path) => `'${path.replaceAll("'", "'\\''")}'`;
