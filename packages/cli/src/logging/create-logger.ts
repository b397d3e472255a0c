import { cleanFields, cleanText } from './clean-fields.js';
import { LogDestination } from './log-destination.js';
import type { LogFormat, LogLevel } from './log-options.js';

export interface LoggerOptions {
  /** Lines below this level are not written. */
  readonly level: LogLevel;
  /** `pretty` for people, one JSON object per line for machines. */
  readonly format: LogFormat;
  /** The name of the program, in every line; none by default. */
  readonly name?: string;
  /** More that stands in every line. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** Fields first, a constant sentence second. */
export type ProgramLogger = Readonly<
  Record<'debug' | 'info' | 'warn' | 'error', (fields: object, message: string) => void>
>;

/**
 * A logger that writes to standard error, so that standard output stays free for data. It never throws, blocks or
 * queues without bound, whatever becomes of standard error; and whatever it is given, each event is one line of about
 * 2 KiB at most in which text from outside is escaped and secrets are left out.
 */
export async function createLogger(options: LoggerOptions): Promise<ProgramLogger> {
  // Imported here: `--help` and `--version` need not wait for them.
  const { pino, stdTimeFunctions } = await import('pino');
  const { unblock } = await import('wsproxy-node/internals');
  const render = options.format === 'pretty' ? await prettyRenderer() : (line: string) => line;

  unblock(process.stderr);
  const destination = new LogDestination(process.stderr, (total) => {
    logger.warn({ total }, 'log lines were lost: they could not be written fast enough, or at all');
  });
  const logger: ProgramLogger = pino(
    {
      ...(options.name !== undefined && { name: options.name }),
      base: cleanFields(options.fields ?? {}),
      level: options.level,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      // pino would replace what `cleanFields` has made of an error.
      serializers: { err: (err: unknown) => err },
      hooks: {
        logMethod([fields, message], method) {
          method.call(this, cleanFields(fields as unknown as object), cleanText(message ?? ''));
        },
      },
    },
    { write: (line) => destination.write(render(line)) },
  );
  return logger;
}

/** pino-pretty as a function: a stream or a worker thread of its own would be one more unbounded queue. */
async function prettyRenderer(): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  return prettyFactory({
    colorize: process.stderr.isTTY && process.stderr.hasColors(),
    singleLine: true,
    translateTime: false,
    errorLikeObjectKeys: [],
  });
}
