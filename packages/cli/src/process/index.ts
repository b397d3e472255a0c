export { checkSocket } from '../check-secret.js';
export { ExitCode, ExitError } from '../exit-code.js';
export { onTermination } from '../on-termination.js';
export { runToEnd } from '../run-to-end.js';
export { standardOutput } from '../standard-output.js';
