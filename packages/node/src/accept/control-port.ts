import { type Logger, parseAuthority, systemClock, type Tunnel, TunnelError } from 'wsproxy-engine';
import { RecordStream } from '../control/record-stream.js';
import { RecordType } from '../control/records.js';
import { acceptLocal, type Endpoint, type LocalPort } from './accept-local.js';
import { closePolitely } from './close-politely.js';
import { pipeThrough } from './stdio.js';

/** Accepts programs that want their standard input and output carried through a tunnel that is there already. */
export function listenControl(tunnel: Tunnel, { at, logger }: ControlPortOptions): Promise<LocalPort> {
  return acceptLocal(at, logger, (socket) => {
    let hasAsked = false;
    const stream: RecordStream = new RecordStream(socket, {
      gone: 'the program that asked for it is gone',
      onRecord(type, text) {
        if (hasAsked || type !== RecordType.request) throw new Error('expected one request');
        hasAsked = true;
        deadline.cancel();
        const target = parseAuthority(text);
        if (target === undefined) throw new TunnelError('BAD_TARGET');
        stream.say(RecordType.accepted);
        // It is told to the one who has asked.
        pipeThrough(tunnel, target, stream, stream).catch(() => {});
      },
      // Anyone who still writes is to read why it has failed.
      close: (socket) => closePolitely(socket),
    });
    const deadline = systemClock.setTimer(() => stream.destroy(), REQUEST_TIMEOUT);
    stream.once('close', () => deadline.cancel());
    stream.on('error', ({ message }) => hasAsked || logger.info({ reason: message }, 'local request refused'));
  });
}

export interface ControlPortOptions {
  readonly at: Endpoint;
  readonly logger: Logger;
}

/** How long a program may take for its request, ms. */
const REQUEST_TIMEOUT = 10_000;
