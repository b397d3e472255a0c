/** What the libraries log to; pino satisfies it. Fields first, a constant sentence second. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const nothing = () => {};

export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** The same logger, with `fields` in every line. */
export function withFields(logger: Logger, more: object): Logger {
  return {
    debug: (fields, message) => logger.debug({ ...more, ...fields }, message),
    info: (fields, message) => logger.info({ ...more, ...fields }, message),
    warn: (fields, message) => logger.warn({ ...more, ...fields }, message),
    error: (fields, message) => logger.error({ ...more, ...fields }, message),
  };
}
