import { createRequire } from 'node:module';
import { say } from '../language/index.js';
import { cleanFields, cleanText } from './clean-fields.js';
import { LogDestination } from './log-destination.js';
import { LOG_LEVELS, type LogFormat, type LogLevel } from './log-options.js';
import { sayFields } from './say-fields.js';

export interface LoggerOptions {
  /** Lines below this level are not written. */
  readonly level: LogLevel;
  /** `pretty` for people, one JSON object per line for machines. */
  readonly format: LogFormat;
  /** The name of the program, in every line; none by default. */
  readonly name?: string;
  /** More that stands in every line. */
  readonly fields?: Readonly<Record<string, string | number>>;
  /**
   * It ends soon, and mostly without a line: what writes them takes longer to load than all the rest of a logger, and comes
   * with the first. Default false.
   */
  readonly isRare?: boolean;
}

/** Fields first, a constant sentence second. */
export type ProgramLogger = Readonly<
  Record<'debug' | 'info' | 'warn' | 'error', (fields: object, message: string) => void>
>;

/**
 * A logger that writes to standard error, so that standard output stays free for data. It never throws, blocks or
 * queues without bound, no matter what becomes of standard error; and anything that it is given, each event is one line of about
 * 2 KiB at most in which text from outside is escaped and secrets are left out.
 */
export async function createLogger(options: LoggerOptions): Promise<ProgramLogger> {
  const { unblock } = await import('wsproxy-node/internals');
  const load = (): ProgramLogger => {
    unblock(process.stderr);
    return createPino(options);
  };
  // Not with the first line: that may tell that no descriptor is left.
  return options.isRare === true ? rareLogger(options.level, load) : load();
}

/** Loads what writes lines with the first one that is to be written. */
function rareLogger(least: LogLevel, load: () => ProgramLogger): ProgramLogger {
  let loaded: ProgramLogger | undefined;
  const log =
    (level: keyof ProgramLogger) =>
    (fields: object, message: string): void => {
      if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(least)) return;
      try {
        loaded ??= load();
      } catch {
        // There is nothing to load it with; the next line may fare better.
        return;
      }
      loaded[level](fields, message);
    };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

function createPino(options: LoggerOptions): ProgramLogger {
  const { pino, stdTimeFunctions } = require('pino') as typeof import('pino');
  const isPretty = options.format === 'pretty';
  const render = isPretty ? prettyRenderer() : (line: string) => line;
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
          const [clean, text] = [cleanFields(fields as unknown as object), cleanText(message ?? '')];
          if (isPretty) method.call(this, sayFields(clean), say(text));
          else method.call(this, clean, text);
        },
      },
    },
    { write: (line) => destination.write(render(line)) },
  );
  return logger;
}

/** pino-pretty as a function: a stream or a worker thread of its own would be one more unbounded queue. */
function prettyRenderer(): (line: string) => string {
  const { prettyFactory } = require('pino-pretty') as typeof import('pino-pretty');
  return prettyFactory({
    colorize: process.stderr.isTTY && process.stderr.hasColors(),
    singleLine: true,
    translateTime: false,
    errorLikeObjectKeys: [],
  });
}

const require = createRequire(import.meta.url);
