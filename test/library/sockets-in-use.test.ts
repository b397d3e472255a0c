import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex, Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import { keystreamReadable, sha256, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { startTunnel, type TunnelOptions } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { type AnySocket, codeOf, pairMaker } from './socket-twins.js';

type Use = (application: AnySocket, destination: Socket) => Promise<unknown>;

/** More than all buffers on the way hold. */
const BULK = 32 * 1024 * 1024;

const failureOf = (error: unknown): string => codeOf(error as Error);
const outcomeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'fulfilled', failureOf);
const closing = (socket: AnySocket): Promise<unknown> =>
  new Promise((resolve) => socket.once('close', (hadError: boolean) => resolve(`close ${hadError}`)));

async function still(value: () => number): Promise<number> {
  let [before, same] = [value(), 0];
  await until('nothing moves', () => {
    same = value() === before ? same + 1 : 0;
    before = value();
    return same > 20;
  });
  return before;
}

const isGone = (log: readonly string[]): boolean => log.some((line) => line.startsWith('close'));

function events(socket: AnySocket): string[] {
  const log: string[] = [];
  for (const event of ['end', 'finish', 'timeout']) socket.on(event, () => log.push(event));
  socket.on('close', (hadError: boolean) => log.push(`close ${hadError}`));
  socket.on('error', (error) => log.push(`error ${codeOf(error)}`));
  return log;
}

const BACK_PRESSURE: Record<string, Use> = {
  'write says false, then drain, and every byte arrives': async (application, destination) => {
    const log = events(application);
    const arrived = sha256(destination);
    let [refused, drained, acknowledged] = [0, 0, 0];
    for await (const chunk of keystreamReadable('bulk', BULK)) {
      if (application.write(chunk, () => (acknowledged += 1))) continue;
      refused += 1;
      await once(application, 'drain');
      drained += 1;
    }
    application.end();
    const hash = await arrived;
    destination.end();
    application.resume();
    await until('closed', () => isGone(log));
    return { isRefused: refused > 0, same: refused === drained, acknowledged: acknowledged > 0, hash, log };
  },
  'a destination that does not read stops the writer, until it reads': async (application, destination) => {
    destination.pause();
    let isWritten = false;
    application.write(Buffer.alloc(BULK), () => (isWritten = true));
    await still(() => destination.readableLength);
    const early = isWritten;
    application.end();
    const read = await sha256(destination);
    return { early, read, isWritten };
  },
  'who is paused gets little, and everything when it goes on': async (application, destination) => {
    application.pause();
    keystreamReadable('bulk', BULK).pipe(destination);
    await still(() => application.readableLength);
    const isBounded = application.readableLength <= 8 * 1024 * 1024;
    const { readableFlowing } = application;
    const done = sha256(application);
    return { isBounded, readableFlowing, hash: await done };
  },
  'pause at every piece loses nothing': async (application, destination) => {
    const log = events(application);
    let bytes = 0;
    application.on('data', ({ length }: Buffer) => {
      bytes += length;
      application.pause();
      setImmediate(() => application.resume());
    });
    destination.end(Buffer.alloc(3_000_000));
    destination.resume();
    await closing(application);
    return { bytes, log };
  },
  'readable and read take what is there': async (application, destination) => {
    let bytes = 0;
    application.on('readable', () => {
      for (let chunk = application.read(); chunk !== null; chunk = application.read()) bytes += chunk.length;
    });
    const log = events(application);
    destination.end(Buffer.alloc(1_000_000));
    destination.resume();
    await closing(application);
    return { bytes, log };
  },
  'text in an encoding is whole though its characters come in parts': async (application, destination) => {
    application.setEncoding('utf8');
    const bytes = Buffer.from('€'.repeat(50_000));
    destination.write(bytes.subarray(0, 70_001));
    destination.end(bytes.subarray(70_001));
    let got = '';
    for await (const chunk of application) got += chunk;
    return got === '€'.repeat(50_000);
  },
};

const STREAMS: Record<string, Use> = {
  'for await reads to the end': async (application, destination) => {
    const log = events(application);
    destination.end(Buffer.alloc(500_000));
    destination.resume();
    let bytes = 0;
    for await (const { length } of application) bytes += length;
    await until('closed', () => isGone(log));
    return { bytes, log };
  },
  'for await that is left early destroys': async (application, destination) => {
    const log = events(application);
    destination.write('some');
    for await (const chunk of application) if (chunk.length > 0) break;
    await until('closed', () => isGone(log));
    return log;
  },
  'pipeline to it and from it': async (application, destination) => {
    const log = events(application);
    destination.pipe(destination);
    const got = sha256(application);
    const sent = outcomeOf(pipeline(keystreamReadable('pipeline', 5_000_000), application));
    const whole = (await got) === (await sha256OfKeystream('pipeline', 5_000_000));
    await until('closed', () => isGone(log));
    return { sent: await sent, whole, log };
  },
  'pipeline through it': async (application, destination) => {
    destination.pipe(destination);
    let bytes = 0;
    const count = new Writable({
      write: ({ length }: Buffer, _encoding, done) => {
        bytes += length;
        done();
      },
    });
    const outcome = await outcomeOf(pipeline(keystreamReadable('through', 5_000_000), application as Duplex, count));
    return { outcome, bytes };
  },
  'pipeline back into itself': async (application, destination) => {
    const log = events(application);
    const upper = new Transform({
      transform: (chunk: Buffer, _encoding, done) => done(null, chunk.toString().toUpperCase()),
    });
    const outcome = outcomeOf(pipeline(application, upper, application));
    let got = '';
    destination.on('data', (chunk) => (got += chunk));
    destination.end('question');
    await until('closed', () => isGone(log) && destination.readableEnded);
    return { outcome: await outcome, got, log };
  },
  'pipeline whose reader fails': async (application, destination) => {
    const log = events(application);
    const bad = new Writable({ write: (_chunk, _encoding, done) => done(new Error('bad reader')) });
    destination.write('some');
    const outcome = await outcomeOf(pipeline(application, bad));
    await until('closed', () => isGone(log));
    return { outcome, log, destroyed: application.destroyed };
  },
  'pipeline whose destination goes away': async (application, destination) => {
    const log = events(application);
    setImmediate(() => destination.resetAndDestroy());
    application.resume();
    const outcome = await outcomeOf(pipeline(Readable.from(endless()), application));
    await until('closed', () => isGone(log));
    return { failed: /^(EPIPE|ECONNRESET)$/.test(String(outcome)), last: log.at(-1) };
  },
  'a destination that answers a closed socket reads late what was sent to it': async (application, destination) => {
    destination.pause();
    application.end(Buffer.alloc(20_000), () => application.destroy());
    await once(application, 'close');
    destination.write('an answer');
    await still(() => destination.bytesRead);
    let bytes = 0;
    destination.on('data', ({ length }: Buffer) => {
      bytes += length;
    });
    destination.resume();
    await once(destination, 'end');
    return bytes;
  },
  'a reset behind the end takes the end from nobody who reads late': async (application, destination) => {
    const log = events(application);
    application.pause();
    destination.end(Buffer.alloc(50_000));
    await still(() => application.readableLength);
    destination.resetAndDestroy();
    await still(() => application.readableLength);
    let bytes = 0;
    application.on('data', ({ length }: Buffer) => {
      bytes += length;
    });
    application.resume();
    await until('closed', () => isGone(log));
    return { bytes, log };
  },
  'Readable.toWeb': async (application, destination) => {
    destination.end(Buffer.alloc(500_000));
    destination.resume();
    let bytes = 0;
    for await (const chunk of Readable.toWeb(application as Duplex)) bytes += (chunk as Buffer).length;
    return bytes;
  },
  'Readable.toWeb that is cancelled': async (application, destination) => {
    destination.write('some');
    application.on('error', () => {});
    const reader = Readable.toWeb(application as Duplex).getReader();
    const { value } = await reader.read();
    const outcome = await outcomeOf(reader.cancel());
    return { value: Buffer.from(value as Uint8Array).toString(), outcome };
  },
  'Writable.toWeb': async (application, destination) => {
    const got = sha256(destination);
    destination.once('end', () => destination.end());
    application.resume();
    const writer = Writable.toWeb(application as Duplex).getWriter();
    for (let n = 0; n < 50; n++) {
      await writer.ready;
      await writer.write(Buffer.alloc(100_000, n));
    }
    const outcome = await outcomeOf(writer.close());
    return { outcome, got: await got };
  },
  'Duplex.toWeb': async (application, destination) => {
    destination.pipe(destination);
    const { readable, writable } = Duplex.toWeb(application as Duplex);
    const writer = writable.getWriter();
    const sending = writer.write(Buffer.alloc(1_000_000, 7)).then(() => writer.close());
    let bytes = 0;
    for await (const chunk of readable) bytes += (chunk as Buffer).length;
    const outcome = await outcomeOf(sending);
    return { bytes, outcome };
  },
};

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(10_000);
}

/** ms. */
const IDLE = 300;

const TIME_OUTS: Record<string, Use> = {
  'fires once when nothing moves, and leaves the socket open': async (application) => {
    const log = events(application);
    application.setTimeout(20);
    await once(application, 'timeout');
    return { log, timeout: application.timeout, destroyed: application.destroyed };
  },
  'does not fire while bytes come, and fires when they stop': (application, destination) =>
    keepsAwake(application, application.resume(), destination),
  'does not fire while bytes go': (application, destination) =>
    keepsAwake(application, destination.resume(), application),
  'fires when the destination takes nothing': async (application, destination) => {
    destination.pause();
    application.setTimeout(IDLE);
    application.write(Buffer.alloc(BULK));
    await once(application, 'timeout');
    return application.destroyed;
  },
  'fires in a half that is open after the end': async (application) => {
    const log = events(application);
    application.end();
    await once(application, 'finish');
    application.setTimeout(20);
    await once(application, 'timeout');
    return log;
  },
  'fires again after more has moved': async (application, destination) => {
    const log = events(application);
    application.resume();
    application.setTimeout(20);
    await once(application, 'timeout');
    const again = once(application, 'timeout');
    destination.write('x');
    await again;
    return log;
  },
  'set to 0 is none, and a destroyed socket has none': async (application) => {
    const log = events(application);
    const listener = (): void => {};
    application.setTimeout(10, listener).setTimeout(0, listener);
    const left = application.listenerCount('timeout');
    const [mark] = [application.timeout];
    application.setTimeout(10);
    application.destroy();
    await once(application, 'close');
    application.setTimeout(1);
    return { log, left, mark, timeout: application.timeout };
  },
  'destroy at the time-out tells no error': async (application, destination) => {
    const log = events(application);
    const far = events(destination);
    destination.resume();
    application.setTimeout(20, () => application.destroy());
    await until('both have noticed', () => isGone(log) && far.includes('end'));
    return { log, far };
  },
};

/** Something moves more often than the time-out, for longer than it. */
async function keepsAwake(application: AnySocket, _ready: unknown, sender: AnySocket): Promise<unknown> {
  let early = 0;
  application.on('timeout', () => (early += 1));
  application.setTimeout(IDLE);
  const end = performance.now() + 2 * IDLE;
  await until('it was long', () => {
    sender.write('x');
    return performance.now() > end;
  });
  const during = early;
  await until('it was told', () => early > 0);
  return { during, after: early };
}

const PLACES: [string, TunnelOptions][] = [
  ['through the tunnel', {}],
  ['past the tunnel', { client: { bypass: ['127.0.0.0/8'] }, server: { allowPrivate: false } }],
];

const GROUPS = { 'back pressure': BACK_PRESSURE, streams: STREAMS, 'time-outs': TIME_OUTS };

describe.each(PLACES)('%s', (_place, options) => {
  describe.each(Object.entries(GROUPS))('%s', (_group, uses) => {
    test.each(Object.entries(uses))('as with net.Socket: %s', async (_name, use) => {
      const { client } = await startTunnel(options);
      const make = await pairMaker(client);
      const { straight, tunneled } = await make();
      const outcomes: unknown[] = [];
      for (const [application, destination] of [straight, tunneled]) {
        outcomes.push(await use(application, destination));
      }
      for (const socket of [...straight, ...tunneled]) socket.destroy();
      expect(outcomes[1]).toEqual(outcomes[0]);
    });
  });
});
