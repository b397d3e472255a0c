import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

/**
 * Who did what, and when: a line of JSON for each event, in a file or on standard output.
 *
 * @param {string | undefined} path
 */
export function createAudit(path) {
  const file = path === undefined ? process.stdout : createWriteStream(path, { flags: 'a', mode: 0o600 });
  // Nobody may use consoles that leave no trace.
  file.on('error', ({ message }) => {
    console.error(`The audit log cannot be written: ${message}`);
    process.exit(1);
  });
  return {
    write(event, fields) {
      file.write(`${toLine({ time: new Date().toISOString(), event, ...fields })}\n`);
    },
    async close() {
      if (path === undefined) return;
      file.end();
      await finished(file);
    },
  };
}

/** JSON leaves some characters as they are that a terminal obeys (C1), or that change the order of a line that somebody reads. */
function toLine(value) {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
