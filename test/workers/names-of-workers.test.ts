import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from 'node:http';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { start } from 'wsproxy-test-support/programs/command-line';
import { startListening } from 'wsproxy-test-support/programs/listening';
import { type Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listenOn } from 'wsproxy-test-support/sockets/listen';
import { until } from 'wsproxy-test-support/until';
import { lines, listenFor, pidOf, readyLine } from './workers.js';

const NAMES = ['one.example.org', 'two.example.org'] as const;

async function startWith() {
  const args = ['--reverse', '--reverse-http', '127.0.0.1:0', '--allow-listen', 'http:*.example.org'];
  const { program: server, port } = await start('wsproxy-server', ['--workers', '2', ...args]);
  const names = Number(String(readyLine(server)['reverseHttp']).split(':')[1]);
  return { server, names, url: `ws://127.0.0.1:${port}/` };
}

/** A client that has `name`, and the worker that has the client. */
async function serve(server: Program, url: string, name: string, onRequest: RequestListener) {
  const service = createServer(onRequest);
  const { port } = await listenOn(service);
  const [client, worker] = await listenFor(server, () => startListening(url, [`http:${name}:127.0.0.1:${port}`]));
  return { client, worker, service };
}

/** Two clients in two workers, each with a name and a service that says which. */
async function serveBoth(server: Program, url: string) {
  const answer =
    (name: string): RequestListener =>
    ({ headers, url: path }, response) =>
      response.end(`${name} ${headers.host} ${path}`);
  const one = await serve(server, url, NAMES[0], answer(NAMES[0]));
  let two = await serve(server, url, NAMES[1], answer(NAMES[1]));
  while (two.worker === one.worker) {
    two.client.signal('SIGTERM');
    await two.client.ended;
    two = await serve(server, url, NAMES[1], answer(NAMES[1]));
  }
  return { one, two };
}

async function ask(port: number, host: string, path: string, agent?: Agent): Promise<string> {
  const asking = request({ host: '127.0.0.1', port, path, headers: { host }, ...(agent && { agent }) }).end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return `${answer.statusCode} ${Buffer.concat(chunks)}`;
}

describe('the port for host names of a server with workers', () => {
  skipUnlessInstalled('curl');

  test('brings each request to the client with the name, in any worker', async () => {
    const { server, names, url } = await startWith();
    await serveBoth(server, url);
    for (const name of [...NAMES, ...NAMES]) {
      const { stdout } = await run('curl', ['-s', '-H', `Host: ${name}`, `http://127.0.0.1:${names}/path`]);
      expect(stdout).toBe(`${name} ${name} /path`);
    }
    expect(await ask(names, 'three.example.org', '/')).toBe('404 Not Found\n');
  });

  test('keeps 1,000 requests apart that come by the same connections for two workers', async () => {
    const { server, names, url } = await startWith();
    await serveBoth(server, url);
    const agent = new Agent({ keepAlive: true, maxSockets: 10 });
    atEnd(() => agent.destroy());
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => ask(names, NAMES[n % 2] ?? '', `/${n}`, agent)),
    );
    const wrong = answers.filter((answer, n) => answer !== `200 ${NAMES[n % 2]} ${NAMES[n % 2]} /${n}`);
    expect(wrong).toEqual([]);
  });

  test('carries WebSockets to both of them', async () => {
    const { server, names, url } = await startWith();
    const { one, two } = await serveBoth(server, url);
    for (const [n, { service }] of [one, two].entries()) {
      const sockets = new WebSocketServer({ server: service });
      sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`${NAMES[n]} ${data}`)));
    }
    for (const name of [...NAMES, ...NAMES]) {
      const socket = new WebSocket(`ws://127.0.0.1:${names}/`, { headers: { host: name } });
      atEnd(() => socket.terminate());
      await once(socket, 'open');
      const said = once(socket, 'message');
      socket.send('hello');
      expect(String((await said)[0])).toBe(`${name} hello`);
    }
  });

  test('carries what runs to its end when workers are exchanged, in any of them', async () => {
    const { server, names, url } = await startWith();
    const answers: ServerResponse[] = [];
    await serve(server, url, NAMES[0], (_request, response) => {
      response.write('begun, ');
      answers.push(response);
    });
    const asked = Array.from({ length: 8 }, () => ask(names, NAMES[0], '/'));
    await until('all have begun', () => answers.length === asked.length);
    server.signal('SIGUSR2');
    await until('the client has its name in a new worker', () => {
      return lines(server, 'remote listener open').some(({ worker }) => Number(worker) > 2);
    });
    // More than the sockets and windows between them hold.
    const long = 'x'.repeat(16_000_000);
    for (const answer of answers) answer.end(long);
    for (const answer of await Promise.all(asked))
      expect(answer === `200 begun, ${long}`, answer.slice(-50)).toBe(true);
    await until('nobody waits for the former workers', () => lines(server, 'a former worker has ended').length === 2);
  });

  test('finds a name again when its worker is killed', async () => {
    const { server, names, url } = await startWith();
    const { one } = await serveBoth(server, url);
    expect(await ask(names, NAMES[0], '/')).toMatch(/^200 /);
    const opened = lines(server, 'remote listener open').length;
    process.kill(pidOf(server, one.worker), 'SIGKILL');
    await until('it has the name again', () => lines(server, 'remote listener open').length > opened);
    await until('requests reach it', async () => (await ask(names, NAMES[0], '/').catch(String)).startsWith('200 '));
    expect(await ask(names, NAMES[1], '/')).toMatch(/^200 /);
  });

  test('shows nobody an exchange of all workers: neither those who ask, nor who has something open', async () => {
    const { server, names, url } = await startWith();
    const { service } = await serve(server, url, NAMES[0], (_request, response) => void response.end('here'));
    const sockets = new WebSocketServer({ server: service });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    // By either worker.
    const open = Array.from(
      { length: 4 },
      () => new WebSocket(`ws://127.0.0.1:${names}/`, { headers: { host: NAMES[0] } }),
    );
    atEnd(() => {
      for (const socket of open) socket.terminate();
    });
    await Promise.all(open.map((socket) => once(socket, 'open')));
    const asked: Promise<string>[] = [];
    const timer = setInterval(() => asked.push(ask(names, NAMES[0], '/').catch(String)), 25);
    atEnd(() => clearInterval(timer));
    for (let generation = 2; generation <= 3; generation++) {
      const opened = lines(server, 'remote listener open').length;
      server.signal('SIGUSR2');
      await until('it has the name there', () => lines(server, 'remote listener open').length > opened, 60_000);
      const before = asked.length;
      await until('others have come since', () => asked.length > before + 40);
    }
    clearInterval(timer);
    expect((await Promise.all(asked)).filter((answer) => answer !== '200 here')).toEqual([]);
    for (const socket of open) {
      const said = once(socket, 'message');
      socket.send('still');
      expect(String((await said)[0])).toBe('still');
    }
  });
});
