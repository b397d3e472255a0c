import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { escapeText } from './escape-text.js';
import { ExitCode, ExitError } from './exit-code.js';

/** Of a file or folder. */
type Facts = Pick<Stats, 'mode' | 'uid' | 'gid'>;

/** Who the program is. */
interface Self {
  readonly uid: number;
  readonly groups: readonly number[];
}

interface SecretPlace {
  readonly path: string;
  /** For messages: `token file /etc/wsproxy/token`. */
  readonly name: string;
  /** Others may read it, but not change it: who hands keys out decides that. Default false. */
  readonly mayBeRead?: boolean;
}

/** What was open already when the program began: anyone who started it chose it, under `sudo` perhaps another user. */
const HANDED_OVER = /^\/(?:dev\/(?:stdin|fd\/\d+)|proc\/self\/fd\/\d+)$/;
const CONTAINER_SECRET = /^\/run\/secrets\/[^/]+$/;
/** What stands in a container of Docker, and of Podman. */
const CONTAINERS = ['/.dockerenv', '/run/.containerenv'];
/** Where the kubelet keeps the content of a volume. */
const KUBERNETES = /\/\.\.\d{4}_[^/]*\/[^/]+$/;
/** As Linux follows. */
const MOST_LINKS = 40;
const STICKY = 0o1000;
const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;

/**
 * Judges a secret that is open as `file`: who can change it could put a secret of their own there, who can read it has it.
 * It is asked of the open file, not of the path, which may lead elsewhere a moment later. Windows has no such modes.
 * @throws ExitError (usage) that says who can, and the cure; the error of the system when the path leads nowhere any more
 */
export function checkSecret(file: number, { path, name, mayBeRead = false }: SecretPlace): void {
  const self = thisProcess();
  if (self === undefined) return;
  const isHandedOver = HANDED_OVER.test(path);
  const facts = read(() => fstatSync(file, { bigint: true }));
  if (!isHandedOver && !isTrusted(facts, self)) {
    throw usage(`${name} belongs to another user (uid ${facts.uid}); run: chown ${self.uid} ${escapeText(path, 1024)}`);
  }
  if (!isClosed(facts, self, mayBeRead || isOfContainer(path, facts))) {
    const cure =
      !isHandedOver && KUBERNETES.test(realpathSync(path))
        ? 'give its volume defaultMode: 0440, and the pod an fsGroup'
        : `run: chmod ${mayBeRead ? 'go-w' : '600'} ${escapeText(path, 1024)}`;
    throw usage(`other users can ${mayBeRead ? 'change' : 'read or change'} ${name}; ${cure}`);
  }
  if (!isHandedOver) checkFolder(dirname(realpathSync(path)), name);
}

/**
 * Judges a file that the program itself writes: anyone who can change it could tell the program anything they like. Others may
 * read it. The folder of the path is where it is written, no matter where a link there leads; before there is a file, it is judged
 * alone. What else is wrong with it is told by anyone who uses it.
 * @throws ExitError (usage) that says who can, and the cure
 */
export function checkOwnFile(path: string, name: string): void {
  checkFolder(dirname(path), name);
  let file: number;
  try {
    // A pipe would make its reader wait.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return;
  }
  try {
    checkSecret(file, { path, name, mayBeRead: true });
  } finally {
    closeSync(file);
  }
}

/**
 * Judges a Unix socket before anybody listens there, or says something to anyone who does: another user could have made it, or
 * put one in its place; so with every link that leads to it. Returns where it is: nobody else can put another one there.
 * @throws ExitError (usage) that says who can, and the cure; the error of the system when there is none to be seen, where
 *   anybody could come to be a moment later
 */
export function checkSocket(path: string, name: string, links: number = MOST_LINKS): string {
  const self = thisProcess();
  if (self === undefined) return path;
  checkFolder(dirname(path), name);
  const facts = lstatSync(path, { bigint: true });
  const uid = Number(facts.uid);
  if (!isTrusted({ uid }, self)) throw usage(`${name} belongs to another user (uid ${uid}); choose another path`);
  if (!facts.isSymbolicLink()) return path;
  if (links === 0) throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
  // realpathSync would look at the socket as `read` must not.
  return checkSocket(resolve(realpathSync(dirname(path)), readlinkSync(path)), name, links - 1);
}

function checkFolder(path: string, name: string): void {
  const self = thisProcess();
  if (self === undefined || !existsSync(path)) return;
  const folder = realpathSync(path);
  const around = read(() => statSync(folder, { bigint: true }));
  if (isKept(around, self)) return;
  const shown = escapeText(folder, 1024);
  throw usage(`other users can replace ${name}: they can write to its folder; run: chmod go-w ${shown}`);
}

/** Whether a file belongs to root, who can change everything, or to the user of the program. */
export function isTrusted({ uid }: Pick<Facts, 'uid'>, self: Self): boolean {
  return uid === 0 || uid === self.uid;
}

/**
 * Whether nobody but its owner may read and change a file. One of root's may also be readable by the group of a program
 * that is not root, which is how systemd's LoadCredential (its mode then shows the mask of an access list) and the
 * secrets of Kubernetes hand it over. Root itself may look at such a file, if it has given it to another group than its own.
 */
export function isClosed({ mode, uid, gid }: Facts, self: Self, mayBeRead = false): boolean {
  const isGiven = uid === 0 && (self.uid !== 0 || gid !== 0);
  const forbidden = isGiven ? 0o037 : 0o077;
  return (mode & (mayBeRead ? GROUP_WRITES | OTHERS_WRITE : forbidden)) === 0;
}

/**
 * Whether a file is a secret of Docker's swarm or of Podman: root's, and readable for all users of the container, in which
 * there is nobody but the program.
 */
export function isOfContainer(
  path: string,
  { mode, uid }: Pick<Facts, 'mode' | 'uid'>,
  exists: (path: string) => boolean = existsSync,
): boolean {
  return uid === 0 && (mode & 0o333) === 0 && CONTAINER_SECRET.test(path) && CONTAINERS.some((each) => exists(each));
}

/**
 * Whether a folder lets no stranger exchange what is in it, such as the users of today by those of last year. A group may
 * that the program is in, and everybody where each has only what is theirs (sticky, as /tmp). So may its owner: in whose
 * folder a secret lies has been chosen, while open folders are accidents.
 */
export function isKept({ mode, gid }: Pick<Facts, 'mode' | 'gid'>, { groups }: Self): boolean {
  if ((mode & STICKY) !== 0) return true;
  return (mode & OTHERS_WRITE) === 0 && ((mode & GROUP_WRITES) === 0 || groups.includes(gid));
}

function thisProcess(): Self | undefined {
  const { geteuid, getegid, getgroups } = process;
  if (geteuid === undefined || getegid === undefined || getgroups === undefined) return undefined;
  return { uid: geteuid(), groups: [getegid(), ...getgroups()] };
}

/** With bigint, since Node's search for modules looks at what the last call without it has found, and fails at a pipe. */
function read(stat: () => { readonly mode: bigint; readonly uid: bigint; readonly gid: bigint }): Facts {
  const { mode, uid, gid } = stat();
  return { mode: Number(mode), uid: Number(uid), gid: Number(gid) };
}

function usage(message: string): ExitError {
  return new ExitError(ExitCode.usage, message);
}
