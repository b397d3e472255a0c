import { lstatSync } from 'node:fs';
import { connect } from 'node:net';
import { checkSocket, ExitError } from 'wsproxy-cli/process';
import { RecordStream, RecordType } from 'wsproxy-node/control';

/**
 * A stream to `target` through the client that listens on the control socket `path`. Rejects with NoAnswerError when there is
 * none, and nothing was said to anybody else; with ExitError when another user may be behind it.
 */
export async function enterControl(path: string, target: string): Promise<RecordStream> {
  const place = seek(path);
  return new Promise((resolve, reject) => {
    // Not as a string, which may be a number to Node, and so a port.
    const socket = connect({ path: place });
    let reason = NOT_OURS;
    const fail = (): void => reject(new NoAnswerError(reason));
    socket.once('error', (error) => {
      reason = reasonOf(error);
    });
    const timer = setTimeout(() => {
      reason = NO_ANSWER;
      silent.add(path);
      stream.destroy();
    }, ANSWER_TIMEOUT);
    const stream: RecordStream = new RecordStream(socket, {
      gone: `the wsproxy-client at ${path} has ended`,
      onRecord(type) {
        if (type !== RecordType.accepted) throw new Error('not an answer');
        clearTimeout(timer);
        stream.off('close', fail);
        resolve(stream);
      },
      close: (it) => it.destroySoon(),
    });
    // Told by 'close', and to anyone who uses it later.
    stream.on('error', () => {});
    stream.once('close', () => clearTimeout(timer));
    stream.once('close', fail);
    stream.say(RecordType.request, target);
  });
}

/** Where to connect. What is not there yet is not waited for: another user could be quicker. */
function seek(path: string): string {
  if (silent.has(path)) throw new NoAnswerError(NO_ANSWER);
  try {
    const place = checkSocket(path, `--control ${path}`);
    // Linux refuses a connection to a file as it does one to a socket that a dead program has left.
    if (lstatSync(place, { bigint: true }).isSocket()) return place;
  } catch (error) {
    if (error instanceof ExitError) throw error;
    throw new NoAnswerError(reasonOf(error as NodeJS.ErrnoException));
  }
  throw new NoAnswerError('there is a file that is no socket', 'remove it or choose another path');
}

/** Nobody carries anything there; the message says why, and `cure` what to do. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  readonly cure: string;

  constructor(message: string, cure = 'start wsproxy-client with --control there') {
    super(message);
    this.cure = cure;
  }
}

function reasonOf({ code = '', message }: NodeJS.ErrnoException): string {
  return REASONS[code] ?? message;
}

const NOT_OURS = 'what listens there is no wsproxy-client with --control, or has no descriptor left';
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'its wsproxy-client has ended',
  EACCES: 'no permission',
  EPIPE: NOT_OURS,
  ECONNRESET: NOT_OURS,
};

/** Of a client that runs, ms; that of a destination may take longer. */
const ANSWER_TIMEOUT = 10_000;
const NO_ANSWER = `no answer within ${ANSWER_TIMEOUT / 1000} s`;
/** Paths where there was none: the whole program, which comes after the short way, does not wait for it again. */
const silent = new Set<string>();
