export { addCommonOptions, type CommonOptions } from './common-options.js';
export { formatDuration, parseDuration } from './duration.js';
export { ExitCode, ExitError } from './exit-code.js';
export { explainListenError, formatListenAddress, type ListenAddress, parseListenAddress } from './listen-address.js';
export { createLogger, type LoggerOptions, type ProgramLogger } from './logging/create-logger.js';
export type { LogFormat, LogLevel } from './logging/log-options.js';
export { onTermination } from './on-termination.js';
export { readToken, type TokenSources } from './read-token.js';
export { runProgram } from './run-program.js';
