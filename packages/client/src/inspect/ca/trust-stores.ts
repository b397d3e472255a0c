import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The places where programs of this machine look for CAs, as far as commands reach them. */
export function trustStores(ca: NamedCertificate, machine: StoreMachine): TrustStore[] {
  if (machine.platform === 'darwin') return [keychain(ca, machine)];
  if (machine.platform === 'win32') return [windowsStore(ca)];
  return [
    ...SYSTEM_STORES.filter(({ folder }) => machine.exists(folder)).map((kind) => systemStore(kind, ca, machine)),
    ...nssStores(ca, machine),
  ];
}

/** Whose its databases are, on Linux. */
export const CHROMIUM = 'Chromium and Chrome';

export interface NamedCertificate {
  /** Its common name. */
  readonly name: string;
  /** Its file. */
  readonly path: string;
}

export interface StoreMachine {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly isRoot: boolean;
  readonly exists: (path: string) => boolean;
  readonly list: (folder: string) => readonly string[];
  /** Whether there is such a program. */
  readonly has: (program: string) => boolean;
}

export interface TrustStore {
  /** Who looks there. */
  readonly whose: string;
  /** Whether the commands can be run from here: they need no other user, and ask nobody. */
  readonly isWithinReach: boolean;
  readonly add: readonly CommandWords[];
  readonly remove: readonly CommandWords[];
  /** Succeeds if the CA is there; undefined where only its file tells it. */
  readonly find: CommandWords;
}

export type CommandWords = readonly string[];

/** The machine that this program runs on. */
export function thisMachine(home: string, path: string, isRoot: boolean, platform: NodeJS.Platform): StoreMachine {
  return {
    ...{ home, isRoot, platform, exists: existsSync },
    list: (folder) => (existsSync(folder) ? readdirSync(folder) : []),
    has: (program) => path.split(delimiter).some((folder) => existsSync(join(folder, program))),
  };
}

interface SystemStore {
  readonly folder: string;
  readonly ending: string;
  readonly update: CommandWords;
}

/** Of Debian and Ubuntu; of Fedora and Red Hat. */
const SYSTEM_STORES: readonly SystemStore[] = [
  { folder: '/usr/local/share/ca-certificates', ending: '.crt', update: ['update-ca-certificates', '--fresh'] },
  { folder: '/etc/pki/ca-trust/source/anchors', ending: '.pem', update: ['update-ca-trust', 'extract'] },
];

function systemStore(
  { folder, ending, update }: SystemStore,
  { name, path }: NamedCertificate,
  machine: StoreMachine,
): TrustStore {
  const file = `${folder}/${name.replaceAll(' ', '-')}${ending}`;
  const asRoot = machine.isRoot ? [] : ['sudo'];
  return {
    whose: 'programs that use the CAs of the system',
    isWithinReach: machine.isRoot && machine.has(update[0] ?? ''),
    add: [
      [...asRoot, 'install', '-m', '644', path, file],
      [...asRoot, ...update],
    ],
    remove: [
      [...asRoot, 'rm', '-f', file],
      [...asRoot, ...update],
    ],
    find: ['test', '-e', file],
  };
}

/** The databases of Chromium, which makes one at its first start, and of each profile of Firefox. */
function nssStores({ name, path }: NamedCertificate, machine: StoreMachine): TrustStore[] {
  const { home } = machine;
  const profiles = FIREFOX.flatMap((folder) =>
    machine.list(join(home, folder)).map((entry) => join(home, folder, entry)),
  );
  const folders: [whose: string, folder: string][] = [
    ...CHROMIUM_FOLDERS.map((folder): [string, string] => [CHROMIUM, join(home, folder)]),
    ...profiles.map((folder): [string, string] => ['Firefox', folder]),
  ];
  return folders
    .filter(([, folder]) => machine.exists(join(folder, 'cert9.db')))
    .map(([whose, folder]) => {
      const certutil = (...words: readonly string[]): CommandWords => [
        'certutil',
        '-d',
        `sql:${folder}`,
        ...words,
        '-n',
        name,
      ];
      return {
        whose,
        isWithinReach: machine.has('certutil'),
        add: [certutil('-A', '-t', 'C,,', '-i', path)],
        remove: [certutil('-D')],
        find: certutil('-L'),
      };
    });
}

/** Where Chromium keeps its database: the older place, the newer place, and that of a snap. */
const CHROMIUM_FOLDERS: readonly string[] = [
  '.pki/nssdb',
  '.local/share/pki/nssdb',
  'snap/chromium/current/.pki/nssdb',
];

const FIREFOX: readonly string[] = [
  '.mozilla/firefox',
  '.config/mozilla/firefox',
  'snap/firefox/common/.mozilla/firefox',
];

/** It asks for the password of the user. */
function keychain({ name, path }: NamedCertificate, { home }: StoreMachine): TrustStore {
  const file = join(home, 'Library/Keychains/login.keychain-db');
  return {
    whose: 'Safari, Chrome and programs that use the keychain',
    isWithinReach: false,
    add: [['security', 'add-trusted-cert', '-r', 'trustRoot', '-k', file, path]],
    remove: [['security', 'delete-certificate', '-t', '-c', name, file]],
    find: ['security', 'find-certificate', '-c', name, file],
  };
}

/** It asks the user. */
function windowsStore({ name, path }: NamedCertificate): TrustStore {
  return {
    whose: 'Edge, Chrome and programs that use the store of Windows',
    isWithinReach: false,
    add: [['certutil', '-user', '-addstore', 'Root', path]],
    remove: [['certutil', '-user', '-delstore', 'Root', name]],
    find: ['certutil', '-user', '-store', 'Root', name],
  };
}
