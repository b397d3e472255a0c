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
      file.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
    },
    async close() {
      if (path === undefined) return;
      file.end();
      await finished(file);
    },
  };
}
