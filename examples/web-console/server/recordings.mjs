import { accessSync, constants, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { Asciicast } from '../shared/asciicast.js';
import { write } from './write.mjs';

/**
 * Records consoles into files of a folder, which `asciinema play` shows.
 *
 * @throws {Error} where no file can be made there
 */
export function createRecorder(folder) {
  try {
    accessSync(join(folder, '.'), constants.W_OK | constants.X_OK);
  } catch ({ message }) {
    throw new Error(`recordings: no file can be made there: ${message}`);
  }
  let count = 0;
  return async ({ user, container, action }, size, onFailure) => {
    count += 1;
    const name = `${new Date().toISOString().replaceAll(':', '-')}-${count}-${user}.cast`;
    const path = join(folder, name);
    const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    await new Promise((resolve, reject) => file.once('open', resolve).once('error', reject));
    file.on('error', ({ message }) => {
      console.error(`${path}: ${message}`);
      onFailure();
    });
    const cast = new Asciicast(Date.now());
    file.write(cast.head(size, `${user}: ${action} ${container}`));
    return {
      path,
      output: (bytes) => write(file, cast.output(bytes, Date.now())),
      resize: (to) => write(file, cast.resize(to, Date.now())),
      close: () => finished(file.end()).catch(() => {}),
    };
  };
}
