import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { Asciicast } from '../shared/asciicast.js';

/** Records consoles into files of a folder, which `asciinema play` shows. */
export function createRecorder(folder) {
  let count = 0;
  return async ({ user, container, action }, size) => {
    count += 1;
    const name = `${new Date().toISOString().replaceAll(':', '-')}-${count}-${user}.cast`;
    const path = join(folder, name);
    const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    // A console that is to be recorded does not begin without its file.
    await new Promise((resolve, reject) => file.once('open', resolve).once('error', reject));
    file.on('error', ({ message }) => console.error(`${path}: ${message}`));
    const cast = new Asciicast(Date.now());
    file.write(cast.head(size, `${user}: ${action} ${container}`));
    return {
      path,
      output: (bytes) => file.write(cast.output(bytes, Date.now())),
      resize: (to) => file.write(cast.resize(to, Date.now())),
      close: () => finished(file.end()).catch(() => {}),
    };
  };
}
