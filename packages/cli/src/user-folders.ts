import { userInfo } from 'node:os';
import { join } from 'node:path';

/** Where the files of the user are, by the XDG Base Directory Specification. */
export function userFolders(env: Readonly<Record<string, string | undefined>>): UserFolders {
  // The second is Windows'.
  const home = env['HOME'] || env['USERPROFILE'] || homeBySystem();
  return {
    home,
    configHome: env['XDG_CONFIG_HOME'] || join(home, '.config'),
    stateHome: env['XDG_STATE_HOME'] || join(home, '.local/state'),
  };
}

/** A service may have no HOME: without this its files would be in the folder where it runs. */
function homeBySystem(): string {
  try {
    return userInfo().homedir;
  } catch {
    // A user that the system does not know, as in containers: nothing is there for it.
    return '/';
  }
}

interface UserFolders {
  readonly home: string;
  /** Of configuration files. */
  readonly configHome: string;
  /** Of what programs make and keep. */
  readonly stateHome: string;
}
