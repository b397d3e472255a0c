import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

const STANDARD_STREAMS = [0, 1, 2];

/** Those that are a terminal, as the program begins: of one that was closed meanwhile nobody knows it any more. */
const terminals: readonly number[] = STANDARD_STREAMS.filter((fd) => isatty(fd));

/**
 * Whether the program belongs to a terminal, so that it ends when that is closed: it shows something there or reads from it,
 * and the system counts it in. That SIGHUP was ignored when the program began cannot be asked, since Node changes that; but
 * `nohup` leaves no standard stream at a terminal, and `setsid` takes the program out of it. Windows has no such account, and
 * a console there tells its programs when it is closed.
 */
export function hasTerminal(): boolean {
  return terminals.length > 0 && (process.platform === 'win32' || hasControllingTerminal());
}

/**
 * Lets go of a terminal that has been closed; to be called last of all. Node 20 would reset its modes as it ends, and abort
 * since that fails.
 */
export function leaveClosedTerminal(): void {
  for (const fd of terminals) if (!isatty(fd)) close(fd);
}

function hasControllingTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

function close(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Somebody has closed it before.
  }
}
