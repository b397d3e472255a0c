import type { EventEmitter } from 'node:events';

/** Nobody need listen for 'error', which would end the process: anyone who is in charge learns of it by 'close', or a write. */
export function ignoreErrors(socket: EventEmitter): void {
  socket.on('error', ignore);
}

/** One for all sockets, since ten thousand may be idle. */
function ignore(): void {}
