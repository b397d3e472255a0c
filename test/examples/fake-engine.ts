import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

/**
 * A Docker Engine API for what a real engine does not do on request. Its commands repeat what is typed, in containers of
 * these names.
 */
export async function startFakeEngine(containers: readonly (readonly string[] | null)[] = [['/web-1'], ['/db-1']]) {
  const state = {
    /** It gives no answer to such requests. */
    silentFor: undefined as RegExp | undefined,
    /** Method and path of each request. */
    asked: [] as string[],
    /** Connections whose request has no answer yet, or that are a console. */
    open: new Set<Socket>(),
  };
  const isSilent = ({ method, url, socket }: IncomingMessage): boolean => {
    state.asked.push(`${method} ${url}`);
    state.open.add(socket);
    socket.once('close', () => state.open.delete(socket)).on('error', () => {});
    return state.silentFor?.test(String(url)) ?? false;
  };
  const server = createServer((request, response) => {
    request.resume();
    if (isSilent(request)) return;
    const [, value] = ANSWERS.find(([path]) => path.test(String(request.url))) ?? [];
    const list = containers.map((Names, at) => ({ Id: `c${at}`, Names, Image: 'programs', State: 'running' }));
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(value ?? list));
  });
  server.on('upgrade', (request, socket: Socket) => {
    if (isSilent(request)) {
      // Or it would not see the end.
      socket.resume().once('end', () => socket.end());
      return;
    }
    const number = /exec/.test(String(request.url)) ? '1234\n' : '';
    socket.write(`HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n${number}`);
    socket.pipe(socket);
  });
  const path = join(temporaryFolder(), 'engine.sock');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  atEnd(() => {
    for (const socket of state.open) socket.destroy();
    server.close();
  });
  return { path, state };
}

const ANSWERS: [RegExp, unknown][] = [
  [/\/exec\/e1\/json$/, { ExitCode: 0, Running: true }],
  [/\/exec$/, { Id: 'e1' }],
  [/\/exec\/e1\//, {}],
  [/\/c\d+\/json$/, { Config: { Tty: true } }],
];
