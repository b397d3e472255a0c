import { test } from 'vitest';
import { chooseSeed, Dice } from 'wsproxy-test-support/dice';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { type AnySocket, agree, both, codeOf, type Ends, note, type TwinOptions, twinMaker } from './socket-twins.js';

/** Scripts that run at once: each waits most of the time. */
const CONCURRENT = 10;
const SCRIPTS = Number(process.env['WSPROXY_SCRIPTS'] ?? 60);

function write(socket: AnySocket, length: number): void {
  const bytes = Buffer.alloc(length, length % 251);
  socket.write(bytes, (error) => note(socket, `wrote ${length} ${error ? codeOf(error) : 'ok'}`));
}

/** What either end does; a number is a length. */
const OPERATIONS = {
  write: ({ application }: Ends, n: number) => write(application, n),
  'write twice': ({ application }: Ends, n: number) => {
    write(application, n);
    write(application, 10);
  },
  'write corked': ({ application }: Ends, n: number) => {
    application.cork();
    write(application, n);
    write(application, 20);
    application.uncork();
  },
  'write nothing': ({ application }: Ends) => write(application, 0),
  end: ({ application }: Ends) => application.end(() => note(application, 'ended')),
  'end with data': ({ application }: Ends, n: number) => application.end(Buffer.alloc(n, 1)),
  pause: ({ application }: Ends) => application.pause(),
  resume: ({ application }: Ends) => application.resume(),
  destroy: ({ application }: Ends) => application.destroy(),
  'destroy soon': ({ application }: Ends) => application.destroySoon(),
  'write and destroy': ({ application }: Ends, n: number) => {
    write(application, n);
    application.destroy();
  },
  'write and end and destroy when written': ({ application }: Ends, n: number) => {
    application.write(Buffer.alloc(n, 2), () => application.destroy());
    application.end();
  },
  'destroy when written': ({ application }: Ends, n: number) =>
    application.write(Buffer.alloc(n, 3), () => application.destroy()),
  'destroy when ended': ({ application }: Ends, n: number) =>
    application.end(Buffer.alloc(n, 4), () => application.destroy()),
  reset: ({ application }: Ends) => application.resetAndDestroy(),
  settings: ({ application }: Ends) => {
    application.setNoDelay(true).setKeepAlive(true, 1_000).unref().ref().setTimeout(60_000);
  },
  'far write': ({ destination }: Ends, n: number) => write(destination, n),
  'far end': ({ destination }: Ends) => destination.end(),
  'far end with data': ({ destination }: Ends, n: number) => destination.end(Buffer.alloc(n, 5)),
  'far reset': ({ destination }: Ends) => destination.resetAndDestroy(),
  'far destroy': ({ destination }: Ends) => destination.destroy(),
  'far pause': ({ destination }: Ends) => destination.pause(),
  'far resume': ({ destination }: Ends) => destination.resume(),
} satisfies Record<string, (ends: Ends, length: number) => unknown>;

type Operation = keyof typeof OPERATIONS;
type Script = readonly { readonly operation: Operation; readonly length: number }[];

const ALL = Object.keys(OPERATIONS) as Operation[];
/** `net.Socket` hears of a connection that is gone when it writes, and by EPIPE (docs/api.md). */
const IS_GONE: readonly Operation[] = ['far destroy', 'far reset'];

/** After them a tunnel answers what the far end writes with a reset too, but not at once (docs/api.md). */
const CLOSES: readonly Operation[] = ALL.filter((operation) => /^(?!far).*(destroy|reset)/.test(operation));
const FAR_WRITES: readonly Operation[] = ['far write', 'far end with data'];
/** A far end that writes behind its end is destroyed for it (ERR_STREAM_WRITE_AFTER_END): it is gone then, too. */
const FAR_ENDS: readonly Operation[] = ['far end', 'far end with data'];

function randomScript(dice: Dice): Script {
  const script = Array.from({ length: dice.between(1, 7) }, () => ({
    operation: ALL[dice.between(0, ALL.length)] as Operation,
    length: dice.between(1, 5_000),
  }));
  const close = script.findIndex(({ operation }) => CLOSES.includes(operation));
  const farEnd = script.findIndex(({ operation }) => FAR_ENDS.includes(operation));
  const isBehind = (i: number, other: number): boolean => other >= 0 && i > other;
  const end = script.findIndex(
    ({ operation }, i) =>
      IS_GONE.includes(operation) || (FAR_WRITES.includes(operation) && (isBehind(i, close) || isBehind(i, farEnd))),
  );
  if (end < 0) return script;
  // What is gone is told at another time behind its end, and to what is paused (docs/api.md).
  const flow = script.slice(0, end).findLast(({ operation }) => operation === 'pause' || operation === 'resume');
  return script.slice(0, isBehind(end, farEnd) || flow?.operation === 'pause' ? end : end + 1);
}

test(`random operations of both ends do the same as with net.Socket (${SCRIPTS} scripts)`, async () => {
  const seed = chooseSeed();
  const { client } = await startTunnel();
  const make = await twinMaker(client);
  const runOne = async (number: number): Promise<void> => {
    const dice = new Dice(`${seed} ${number}`);
    const options: TwinOptions = {
      allowHalfOpen: dice.between(0, 2) === 1,
      by: dice.between(0, 2) === 1 ? 'connect' : 'socket',
    };
    const script = randomScript(dice);
    const twins = await make(options);
    const done: string[] = [];
    try {
      await agree(twins, 'connected');
      for (const { operation, length } of script) {
        done.push(`${operation} ${length}`);
        await both(twins, operation, (ends) => OPERATIONS[operation](ends, length));
      }
    } catch (error) {
      throw new Error(
        `WSPROXY_SEED=${seed}, script ${number}, ${JSON.stringify(options)}: ${done.join(', ')}: ${String(error)}`,
      );
    } finally {
      for (const { application, destination } of [twins.straight, twins.tunneled]) {
        destination.destroy();
        application.destroy();
      }
    }
  };
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < SCRIPTS) await runOne(next++);
  };
  await Promise.all(Array.from({ length: CONCURRENT }, work));
});
