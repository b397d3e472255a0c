import { type CommonOptions, createLogger, type ProgramLogger } from 'wsproxy-cli';

/** The flags of the log. */
export interface LogFlags extends CommonOptions {
  readonly name?: string;
}

/** The log of the server, with `fields` in each line. */
export function createServerLog(
  { logLevel: level, logFormat: format, name }: LogFlags,
  fields = {},
): Promise<ProgramLogger> {
  return createLogger({
    level,
    format,
    name: 'server',
    fields: { ...(name !== undefined && { server: name }), ...fields },
  });
}
