import { dirname, join } from 'node:path';
import { type PlannedFile, type ProgramCommand, unitText, withSettings } from 'wsproxy-cli/init';
import type { Answers } from './answers.js';
import type { Credentials } from './credentials.js';
import { CERTBOT_HOOK, SETTINGS, SYSTEMD_SOCKET, SYSTEMD_UNIT } from './deploy-files.js';
import { frontFile } from './front-file.js';
import { SERVICE_PATH } from './service-path.js';

/** Where the server is to run. */
export interface Machine {
  /** Of the configuration file. */
  readonly path: string;
  /** Whether systemd is to run the server. */
  readonly isService: boolean;
  /** Whether a package has brought the unit. */
  readonly hasUnit: boolean;
  /** Of the group `wsproxy`, which may read the secrets of the service; undefined where there is none, and for all but root. */
  readonly gid: number | undefined;
  readonly command: ProgramCommand;
}

/**
 * Everything that `init` writes, in the order in which it tells that. `former` is the configuration that is there: with more
 * settings than are wanted it stays as it is.
 */
export function planFiles(
  answers: Answers,
  credentials: Credentials,
  machine: Machine,
  former?: string,
): PlannedFile[] {
  const folder = dirname(machine.path);
  // Root owns those of a service, and its group reads them. It may be one later, where this is the image of a machine.
  const { gid } = machine;
  const closed = gid === undefined ? { mode: 0o600, folderMode: 0o700 } : { mode: 0o640, gid, folderMode: 0o750 };
  const isUsers = credentials.setting === 'users';
  const settings = settingsText(answers, credentials, machine);
  const files: PlannedFile[] = [
    {
      path: join(folder, credentials.file),
      text: credentials.text,
      what: isUsers ? 'the users, a secret' : 'the token, a secret',
      replaces: (former) => credentials.text.startsWith(former),
      ...closed,
    },
    {
      path: machine.path,
      text: former !== undefined && saysAll(former, settings) ? former : settings,
      what: 'the configuration of the server',
      replaces: (former) => former === SETTINGS,
      ...closed,
    },
  ];
  if (answers.front !== 'none') files.push({ ...frontFile(answers.front, answers, folder), mode: 0o644 });
  return machine.isService ? [...files, ...serviceFiles(answers, machine)] : files;
}

/** What certbot runs when it has a certificate. */
export function hookIn(folder: string): string {
  return join(folder, 'certbot-hook.sh');
}

/** Units of this machine; they win over those of packages. */
const UNITS = '/etc/systemd/system';

function serviceFiles({ front }: Answers, { path, hasUnit, command }: Machine): PlannedFile[] {
  const files: PlannedFile[] = [];
  const folder = dirname(path);
  if (front === 'none') {
    files.push(
      {
        path: hookIn(folder),
        text: CERTBOT_HOOK.replaceAll('/etc/wsproxy', folder),
        what: 'brings certificates from certbot to the server',
        mode: 0o755,
      },
      {
        path: join(UNITS, 'wsproxy-server.socket'),
        text: SYSTEMD_SOCKET.replace(/^(?:#.*\n)+\n/, '').replace('127.0.0.1:8080', '443'),
        what: 'lets systemd listen on port 443',
        mode: 0o644,
      },
    );
  }
  if (!hasUnit || path !== SERVICE_PATH) {
    files.push({
      path: join(UNITS, 'wsproxy-server.service'),
      text: unitText(SYSTEMD_UNIT, [...command.words, '--config', path], ' $FLAGS'),
      what: 'the service',
      mode: 0o644,
    });
  }
  return files;
}

/** Whether each setting of `wanted` is a line of `text`. */
function saysAll(text: string, wanted: string): boolean {
  const lines = new Set(text.split(/\r?\n/).map((line) => line.trimEnd()));
  return wanted.split('\n').every((line) => line.startsWith('#') || line === '' || lines.has(line));
}

function settingsText({ front, settings }: Answers, credentials: Credentials, { isService }: Machine): string {
  const changes = new Map<string, readonly string[] | undefined>();
  if (credentials.setting === 'users') changes.set('token-file', undefined).set('users', [credentials.file]);
  // A person reads the log.
  if (!isService) changes.set('log-format', undefined);
  if (front === 'none') {
    changes.set('trusted-proxy', undefined).set('listen', [isService ? 'systemd' : '0.0.0.0:443']);
    changes.set('tls-cert', ['fullchain.pem']).set('tls-key', ['privkey.pem']);
  }
  for (const [name, values] of settings) changes.set(name, values);
  return withSettings(SETTINGS, changes);
}
