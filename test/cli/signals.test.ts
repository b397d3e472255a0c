import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createClient } from 'wsproxy-client';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { launch, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import type { Program } from 'wsproxy-test-support/programs/program';
import { bySocks5, readToEnd } from 'wsproxy-test-support/sockets/application';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

/** Both programs, and an application with an open connection. */
async function startAll(...serverArgs: string[]) {
  const echo = await startEcho();
  const server = await start('wsproxy-server', ['--allow-private', ...serverArgs]);
  const client = await start('wsproxy-client', [`ws://127.0.0.1:${server.port}/`]);
  const application = await bySocks5(client.port, '127.0.0.1', echo.port);
  return { server: server.program, client: client.program, application };
}

const signals = ['SIGTERM', 'SIGINT'] as const;

describe.each(signals)('%s', (signal) => {
  test('ends the client with exit code 0, and resets what is open', async () => {
    const { client, application } = await startAll();
    const ending = readToEnd(application);
    client.signal(signal);
    expect(await client.ended).toMatchObject({ code: 0, signal: null });
    expect(await ending).toEqual({ bytes: 0, by: 'reset' });
  });

  test('ends the server with exit code 0, and resets what does not finish in time', async () => {
    const { server, application } = await startAll('--drain', '200ms');
    const ending = readToEnd(application);
    server.signal(signal);
    expect(await server.ended).toMatchObject({ code: 0, signal: null });
    expect(await ending).toEqual({ bytes: 0, by: 'reset' });
  });

  test('lets an open connection of the server finish, which then ends with exit code 0', async () => {
    const { server, application } = await startAll('--drain', '1m');
    server.signal(signal);
    await server.untilStderr(/"msg":"stopping"/);
    const ending = readToEnd(application);
    application.end('the last words');
    expect(await ending).toEqual({ bytes: 14, by: 'end' });
    expect(await server.ended).toMatchObject({ code: 0, signal: null });
  });

  test('lets a flow of datagrams go on until its client ends it, and tells that there is one', async () => {
    const { program, port } = await start('wsproxy-server', ['--drain', '1m']);
    await using client = createClient({ url: `ws://127.0.0.1:${port}/`, token: TOKEN });
    const socket = client.datagrams();
    await once(socket, 'open');
    program.signal(signal);
    await program.untilStderr(/"channels":0,"flows":1,"drainMs":60000,.*"msg":"stopping"/);
    socket.close();
    expect(await program.ended).toMatchObject({ code: 0, signal: null });
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('and then %s end the server at once with exit code %d', async (second, code) => {
    const { server } = await startAll('--drain', '1m');
    server.signal(signal);
    await server.untilStderr(/"msg":"stopping"/);
    await signalUntilEnded(server, second);
    expect(await server.ended).toMatchObject({ code, signal: null });
  });

  test('ends a server that nobody uses at once', async () => {
    const { program } = await start('wsproxy-server', ['--drain', '1m']);
    program.signal(signal);
    expect(await program.ended).toMatchObject({ code: 0, signal: null });
  });
});

describe('SIGHUP never ends a server', () => {
  const token = (lines: string): string => {
    const file = join(temporaryFolder(), 'token');
    writeFileSync(file, lines, { mode: 0o600 });
    return file;
  };

  test.each<[string, () => { args?: string[]; token?: null }, RegExp]>([
    ['whose token is in the environment', () => ({}), /SIGHUP: there is no file to read again/],
    [
      'with a token file',
      () => ({ args: ['--token-file', token(TOKEN)], token: null }),
      /"tokens":1[^\n]*users reloaded/,
    ],
  ])('%s, nor what runs', async (_what, how, line) => {
    const { args = [], ...options } = how();
    const { program, port } = await start('wsproxy-server', [...args, '--allow-private'], options);
    const [client, echo] = await Promise.all([start('wsproxy-client', [`ws://127.0.0.1:${port}/`]), startEcho()]);
    const application = await bySocks5(client.port, '127.0.0.1', echo.port);
    const ending = readToEnd(application);
    for (let n = 0; n < 3; n++) program.signal('SIGHUP');
    await program.untilStderr(line);
    application.end('still there');
    expect(await ending).toEqual({ bytes: 11, by: 'end' });
    program.signal('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0, signal: null });
  });

  test('that has only just begun', async () => {
    const server = launch('wsproxy-server', ['--listen', '127.0.0.1:0']);
    // As soon as there is a handler: Node itself has taken its first steps then.
    const hasHandler = () => {
      const [, caught = '0'] =
        /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8')) ?? [];
      return (BigInt(`0x${caught}`) & 1n) === 1n;
    };
    await until('it handles the signal', hasHandler);
    for (let n = 0; n < 20; n++) server.signal('SIGHUP');
    await server.untilStderr(/ready/);
    server.signal('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0, signal: null });
  });

  test('that has just read its file, and not begun to follow it', async () => {
    const file = token(TOKEN);
    // It comes while the file is open for the first time.
    const hook = `import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { openSync } = fs;
      let isSent = false;
      fs.openSync = (path, ...rest) => {
        if (path === ${JSON.stringify(file)} && !isSent) isSent = process.kill(process.pid, 'SIGHUP');
        return openSync(path, ...rest);
      };
      syncBuiltinESMExports();`;
    const preload = join(temporaryFolder(), 'hook.mjs');
    writeFileSync(preload, hook);
    const { program } = await start('wsproxy-server', ['--token-file', file], {
      token: null,
      env: { NODE_OPTIONS: `--import ${preload}` },
    });
    await program.untilStderr(/"tokens":1[^\n]*users reloaded[^]*"msg":"ready"/);
  });

  test('that drains', async () => {
    const { server, application } = await startAll('--drain', '1m');
    server.signal('SIGTERM');
    await server.untilStderr(/"msg":"stopping"/);
    server.signal('SIGHUP');
    await server.untilStderr(/SIGHUP/);
    const ending = readToEnd(application);
    application.end('the last words');
    expect(await ending).toEqual({ bytes: 14, by: 'end' });
    expect(await server.ended).toMatchObject({ code: 0, signal: null });
  });
});

/** Again and again, since the first ones may be taken for the same press of a key. */
async function signalUntilEnded(program: Program, signal: NodeJS.Signals): Promise<void> {
  await until('the program has ended', () => {
    program.signal(signal);
    return program.child.exitCode !== null;
  });
}
