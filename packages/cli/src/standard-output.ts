import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { Writable } from 'node:stream';

const STDOUT = 1;

/**
 * Standard output for data: unlike `process.stdout` it can be ended while the program goes on, so that its reader sees
 * the end. Write failures, such as EPIPE, are its errors.
 */
export function standardOutput(): Writable {
  const { stdout } = process;
  return new Writable({
    write(chunk, _encoding, done) {
      stdout.write(chunk, done);
    },
    final(done) {
      stdout.end(() => {
        if (process.platform !== 'win32') replaceByNothing();
        done();
      });
    },
  });
}

/** To end a stream only shuts sockets down; of a pipe the descriptor must go, and nothing else may come to be there. */
function replaceByNothing(): void {
  closeSync(STDOUT);
  openSync(devNull, 'r+');
}
