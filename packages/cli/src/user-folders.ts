import { join } from 'node:path';

/** Where the files of the user are, by the XDG Base Directory Specification. */
export function userFolders(env: Readonly<Record<string, string | undefined>>): UserFolders {
  // The second is Windows'.
  const home = env['HOME'] ?? env['USERPROFILE'] ?? '';
  return { home, configHome: env['XDG_CONFIG_HOME'] || join(home, '.config') };
}

interface UserFolders {
  readonly home: string;
  /** Of configuration files. */
  readonly configHome: string;
}
