import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { ListeningServer, Visitor } from './listening.js';

let folder: string;
let server: ListeningServer;

beforeEach(() => {
  folder = temporaryFolder();
  mkdirSync(join(folder, 'open'));
  server = new ListeningServer({ allowListen: [`unix:${folder}/open/*`] });
});

const at = (name: string): string => join(folder, 'open', name);
const listenAt = (bind: string) => server.connect().listen({ kind: 'unix', bind });

describe('a remote listener at a path', () => {
  test('is for the owner of the server alone, and leaves nothing behind', async () => {
    const listener = await listenAt(at('app'));
    expect(listener.address).toEqual({ host: at('app'), port: 0 });
    expect(statSync(at('app')).mode & 0o777).toBe(0o600);
    const visitor = new Visitor({ path: at('app') }, 'hello');
    await server.until('the echo', () => visitor.received === 'hello');
    expect(listener.arrivals).toEqual([{ peer: undefined, local: undefined, name: '' }]);
    listener.listener?.close();
    await server.until('the file is gone', () => !existsSync(at('app')));
  });

  test('that is taken over is the same socket', async () => {
    await listenAt(at('app'));
    const { ino } = statSync(at('app'));
    const listener = await server.connect().listen({ kind: 'unix', bind: at('app'), takesOver: true });
    expect([listener.events, statSync(at('app')).ino]).toEqual([['listening'], ino]);
  });

  test('takes the place of a socket whose program is dead', async () => {
    const script = `require('net').createServer().listen(${JSON.stringify(at('app'))}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(statSync(at('app')).isSocket()).toBe(true);
    expect((await listenAt(at('app'))).events).toEqual(['listening']);
  });

  test('leaves alone what is a file, or a socket that somebody listens on', async () => {
    writeFileSync(at('file'), 'precious');
    expect((await listenAt(at('file'))).events).toEqual(['fail ADDRESS_IN_USE']);
    expect(readFileSync(at('file'), 'utf8')).toBe('precious');
    await listenAt(at('app'));
    expect((await server.connect('bob').listen({ kind: 'unix', bind: at('app') })).events).toEqual([
      'fail ADDRESS_IN_USE',
    ]);
    const visitor = new Visitor({ path: at('app') }, 'still there');
    await server.until('the echo', () => visitor.received === 'still there');
  });

  test('is judged by where its folder is, not by what leads there', async () => {
    mkdirSync(join(folder, 'closed'));
    symlinkSync(join(folder, 'closed'), at('way-out'));
    symlinkSync(join(folder, 'open'), join(folder, 'way-in'));
    const refused = [at('way-out/app'), join(folder, 'closed', 'app'), `${folder}/open/../closed/app`, '\0app', 'app'];
    for (const bind of refused) {
      expect((await listenAt(bind)).events[0]).toMatch(/^fail (DENIED|BAD_TARGET)$/);
    }
    expect(existsSync(join(folder, 'closed', 'app'))).toBe(false);
    const listener = await listenAt(join(folder, 'way-in', 'app'));
    expect(listener.address).toEqual({ host: at('app'), port: 0 });
  });

  test('tells nobody what folders there are where they may not listen', async () => {
    server = new ListeningServer({ allowListen: [`unix:${folder}/missing/*`] });
    mkdirSync(join(folder, 'secret'));
    writeFileSync(at('file'), '');
    for (const bind of ['secret/app', 'nowhere/app', 'open/file/app', 'secret/further/app']) {
      expect([bind, (await listenAt(join(folder, bind))).events]).toEqual([bind, ['fail DENIED']]);
    }
    expect((await listenAt(join(folder, 'missing', 'app'))).events).toEqual(['fail BAD_TARGET']);
  });

  test('is where it was judged to be, or nowhere, no matter what has become of its folder while it stood by', async () => {
    const owner = await listenAt(at('one'));
    const standby = server.connect().ask({ kind: 'unix', bind: at('two') });
    await server.until('it stands by', () => server.linesOf('remote listener stands by').length > 0);
    mkdirSync(join(folder, 'closed'));
    renameSync(join(folder, 'open'), join(folder, 'old'));
    symlinkSync(join(folder, 'closed'), join(folder, 'open'));
    owner.listener?.close();
    await server.until('the other one is answered', () => standby.events.length > 0);
    expect([standby.events, readdirSync(join(folder, 'closed'))]).toEqual([['fail DENIED'], []]);
  });
});
