import { existsSync } from 'node:fs';

/** Goes behind a message that a setting or the file of settings is missing: the service of this machine may have all of them. */
export function orServiceFile(path: string | undefined): string {
  return path !== undefined && existsSync(path)
    ? `; the service has its settings in another file: --config ${path}`
    : '';
}
