export { checkOwnFile, checkSecret, checkSocket } from './check-secret.js';
export { addCompletionCommand } from './completion/add-completion-command.js';
export type { ChangedSetting } from './config/changes.js';
export { addConfigFile, type ConfigFile } from './config/config-file.js';
export { decodeText } from './decode-text.js';
export { formatDuration, parseDuration } from './duration.js';
export { escapeText, formatJson } from './escape-text.js';
export { ExitCode, ExitError } from './exit-code.js';
export { CommandError, firstLineOf } from './first-line.js';
export { padColumns, say, sayLines } from './language/index.js';
export {
  explainListenError,
  formatListenAddress,
  type ListenAddress,
  parseListenAddress,
  parseListenOrUnix,
  parseUnixPath,
  type UnixAddress,
} from './listen-address.js';
export { createLogger, type ProgramLogger } from './logging/create-logger.js';
export type { LogFormat, LogLevel } from './logging/log-options.js';
export { onTermination } from './on-termination.js';
export { addOptions } from './options/add-options.js';
export {
  addCommonOptions,
  addInitHelp,
  COMMON_INIT_OPTIONS,
  COMMON_OPTIONS,
  type CommonOptions,
} from './options/common-options.js';
export { addHelpTexts } from './options/format-help.js';
export { asUsage, libraryOptions, usageOf } from './options/library-options.js';
export { formatNumber, rangeOf } from './options/number-text.js';
export { namesFile, type Parsers, TableArgument, TableOption } from './options/table-option.js';
export { isRepeatable, nameOfFile, readSecretFile, whyUnreadable } from './read-secret-file.js';
export { readToken, readTokens } from './read-token.js';
export { checkNoCommand, runProgram } from './run-program.js';
export { formatSize, parseSize } from './size.js';
export { standardOutput } from './standard-output.js';
export { hasTerminal } from './terminal.js';
export { userFolders } from './user-folders.js';
export { watchFile } from './watch-file.js';
