import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSecret, checkSocket, isClosed, isKept, isOfContainer, isTrusted } from '../src/check-secret.js';

/** A program of a user, in a group of its own and in 50. */
const SELF = { uid: 7, groups: [7, 50] };
const ROOT = { uid: 0, groups: [0] };

describe('a secret', () => {
  it.each([
    ['of root', 0, true],
    ['of the user of the program', 7, true],
    ['of somebody else', 8, false],
    ['of nobody', 65_534, false],
  ])('%s is trusted: %j', (_whose, uid, expected) => {
    expect(isTrusted({ uid }, SELF)).toBe(expected);
  });

  it('of another user is nothing for root either', () => {
    expect(isTrusted({ uid: 7 }, ROOT)).toBe(false);
  });

  it.each([
    ['its own, readable by it alone', { mode: 0o100600, uid: 7, gid: 7 }, SELF, true],
    [
      "root's, readable by the group: a credential of systemd, a secret of Kubernetes",
      { mode: 0o100440, uid: 0, gid: 0 },
      SELF,
      true,
    ],
    ["root's, readable by everybody", { mode: 0o100444, uid: 0, gid: 0 }, SELF, false],
    ["root's, writable by the group", { mode: 0o100660, uid: 0, gid: 0 }, SELF, false],
    ["root's, readable by its own group, and the program is root", { mode: 0o100440, uid: 0, gid: 0 }, ROOT, false],
    ["root's, readable by the group of a service, and root looks", { mode: 0o100640, uid: 0, gid: 990 }, ROOT, true],
    ["root's, writable by the group of a service, and root looks", { mode: 0o100660, uid: 0, gid: 990 }, ROOT, false],
  ])('that is %s is closed: %j', (_which, facts, self, expected) => {
    expect(isClosed(facts, self)).toBe(expected);
  });

  it.each<[string, string, { mode: number; uid: number }, string, boolean]>([
    ["root's, readable by all, in Docker", '/run/secrets/token', { mode: 0o100444, uid: 0 }, '/.dockerenv', true],
    ['the same in Podman', '/run/secrets/token', { mode: 0o100444, uid: 0 }, '/run/.containerenv', true],
    ['the same on a host', '/run/secrets/token', { mode: 0o100444, uid: 0 }, '/etc/passwd', false],
    ['the same elsewhere', '/run/secrets/../token', { mode: 0o100444, uid: 0 }, '/.dockerenv', false],
    ['one that can be changed', '/run/secrets/token', { mode: 0o100644, uid: 0 }, '/.dockerenv', false],
    ['one of somebody else', '/run/secrets/token', { mode: 0o100444, uid: 8 }, '/.dockerenv', false],
  ])('that is %s, at %s, %j, %s, is one of a container: %j', (_which, path, facts, present, expected) => {
    expect(isOfContainer(path, facts, (each) => each === present)).toBe(expected);
  });

  it.each([
    [0o100600, true],
    [0o100644, true],
    [0o100664, false],
    [0o100602, false],
  ])('that others may read, but not change, may have mode %o: %j', (mode, expected) => {
    expect(isClosed({ mode, uid: 7, gid: 7 }, SELF, true)).toBe(expected);
  });

  it.each([
    ['that only its owner can change', 0o755, 7, true],
    ['that a group of the program can change', 0o775, 50, true],
    ['that another group can change', 0o775, 51, false],
    ['that everybody can change', 0o777, 7, false],
    ['where everybody can change what is theirs, as in /tmp', 0o1777, 0, true],
  ])('is kept in a folder %s: %j', (_which, mode, gid, expected) => {
    expect(isKept({ mode, gid }, SELF)).toBe(expected);
  });
});

describe.runIf(process.platform !== 'win32')('checkSecret', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wsproxy-secret-'));
    writeFileSync(join(folder, 'file'), 'x', { mode: 0o600 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function check(path: string): void {
    const file = openSync(path, 'r');
    try {
      checkSecret(file, { path, name: 'the file' });
    } finally {
      closeSync(file);
    }
  }

  it('takes a file of its own, also behind symbolic links', () => {
    mkdirSync(join(folder, 'links'));
    symlinkSync('../file', join(folder, 'links', 'one'));
    symlinkSync('links/one', join(folder, 'two'));
    expect(() => check(join(folder, 'two'))).not.toThrow();
  });

  it('names the cure in the manifest for a volume of Kubernetes that everybody can read', () => {
    mkdirSync(join(folder, '..2026_11_26_22_45_50.1234567890'));
    writeFileSync(join(folder, '..2026_11_26_22_45_50.1234567890', 'token'), 'x', { mode: 0o644 });
    symlinkSync('..2026_11_26_22_45_50.1234567890', join(folder, '..data'));
    symlinkSync('..data/token', join(folder, 'token'));
    expect(() => check(join(folder, 'token'))).toThrow(
      'other users can read or change the file; give its volume defaultMode: 0440, and the pod an fsGroup',
    );
  });

  it('refuses one in a folder that everybody can change, also behind a link', () => {
    const open = join(folder, 'open');
    mkdirSync(open);
    writeFileSync(join(open, 'file'), 'x', { mode: 0o600 });
    chmodSync(open, 0o777);
    symlinkSync(join(open, 'file'), join(folder, 'link'));
    const message = `other users can replace the file: they can write to its folder; run: chmod go-w ${open}`;
    expect(() => check(join(folder, 'link'))).toThrow(message);
    chmodSync(open, 0o1777);
    expect(() => check(join(folder, 'link'))).not.toThrow();
  });

  describe.runIf(process.getuid?.() === 0)('as root', () => {
    it('refuses the file of another user', () => {
      const file = join(folder, 'file');
      chownSync(file, 65_534, 65_534);
      expect(() => check(file)).toThrow(`the file belongs to another user (uid 65534); run: chown 0 ${file}`);
    });

    it('takes what was handed over open, whose ever it is', () => {
      const path = join(folder, 'file');
      chownSync(path, 65_534, 65_534);
      const file = openSync(path, 'r');
      expect(() => check(`/proc/self/fd/${file}`)).not.toThrow();
      expect(() => check(`/dev/fd/${file}`)).not.toThrow();
      closeSync(file);
    });

    it('refuses a pipe with a name that belongs to another user', () => {
      const pipe = join(folder, 'pipe');
      execFileSync('mkfifo', ['-m', '600', pipe]);
      chownSync(pipe, 65_534, 65_534);
      const writer = openSync(pipe, 'r+');
      expect(() => check(pipe)).toThrow(/another user/);
      closeSync(writer);
    });
  });
});

describe('a Unix socket', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wsproxy-socket-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is connected to where it is, or where a link leads', () => {
    const [path, link] = [join(folder, 'socket'), join(folder, 'link')];
    writeFileSync(path, '');
    symlinkSync(path, link);
    expect(checkSocket(path, 'it')).toBe(path);
    expect(checkSocket(link, 'it')).toBe(realpathSync(path));
    symlinkSync('again', join(folder, 'again'));
    expect(() => checkSocket(join(folder, 'again'), 'it')).toThrow(/too many links/);
  });

  it('that is not there yet is nobody to trust, since others may make one a moment later', () => {
    expect(() => checkSocket(join(folder, 'socket'), 'it')).toThrow(/ENOENT/);
  });

  it.runIf(process.getuid?.() === 0)('of another user is refused, and so is their link to one of ours', () => {
    const [path, link] = [join(folder, 'socket'), join(folder, 'link')];
    writeFileSync(path, '');
    symlinkSync(path, link);
    lchownSync(link, 65_534, 65_534);
    expect(() => checkSocket(link, 'it')).toThrow(/belongs to another user/);
    chownSync(path, 65_534, 65_534);
    expect(() => checkSocket(path, 'it')).toThrow(/belongs to another user/);
  });

  it('is refused where others can exchange it, or the link to it', () => {
    const [path, open] = [join(folder, 'socket'), join(folder, 'open')];
    mkdirSync(open);
    chmodSync(open, 0o777);
    writeFileSync(path, '');
    symlinkSync(path, join(open, 'link'));
    for (const name of ['link', 'none']) {
      expect(() => checkSocket(join(open, name), 'it')).toThrow(/they can write to its folder/);
    }
  });
});
