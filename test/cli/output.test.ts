import { closeSync, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { keystreamBytes } from 'wsproxy-test-support/keystream';
import { launch } from 'wsproxy-test-support/programs/command-line';
import type { Program, ProgramOptions } from 'wsproxy-test-support/programs/program';
import { bySocks5, readBytes } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const LENGTH = 100_000;
/** Each of them is some lines at level debug: together more than any pipe takes. */
const REQUESTS = 500;

/** A client that writes its log to `stderr`, and a way to use it. */
async function startClient(stderr: NonNullable<ProgramOptions['stderr']>) {
  const [{ port: serverPort }, echo, port] = [await startServer(), await startEcho(), await freePort()];
  const args = [`ws://127.0.0.1:${serverPort}/`, '--listen', String(port), '--log-level', 'debug'];
  const program = launch('wsproxy-client', args, { stderr });
  const connect = () => bySocks5(port, '127.0.0.1', echo.port);
  await until('the client listens', () => connect().then(isUsable, () => false), 10_000);
  return { program, connect };
}

async function isUsable(socket: Socket): Promise<boolean> {
  const sent = keystreamBytes('output', LENGTH);
  socket.write(sent);
  const received = await readBytes(socket, LENGTH);
  socket.destroy();
  return received.equals(sent);
}

async function expectUsable(program: Program, connect: () => Promise<Socket>): Promise<void> {
  for (let i = 0; i < REQUESTS; i++) (await connect()).destroy();
  expect(await isUsable(await connect())).toBe(true);
  program.signal('SIGTERM');
  expect(await program.ended).toMatchObject({ code: 0, signal: null });
}

test('a full disk under standard error costs lines, nothing else', async () => {
  const full = openSync('/dev/full', 'w');
  atEnd(() => closeSync(full));
  const { program, connect } = await startClient(full);
  await expectUsable(program, connect);
});

test('a reader of standard error that has gone costs lines, nothing else', async () => {
  const { program, connect } = await startClient('unread');
  program.child.stderr?.destroy();
  await expectUsable(program, connect);
});

test('a reader of standard error that never reads costs lines, nothing else', async () => {
  const { program, connect } = await startClient('unread');
  await expectUsable(program, connect);
});
