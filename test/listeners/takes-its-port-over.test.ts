import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startFarEnd, startListening, urlOf } from 'wsproxy-test-support/programs/listening';
import { startNginx } from 'wsproxy-test-support/programs/nginx';
import type { Program } from 'wsproxy-test-support/programs/program';
import { startBehind } from 'wsproxy-test-support/programs/reverse-proxy';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { connectTo, readBytes } from 'wsproxy-test-support/sockets/application';
import { ask } from 'wsproxy-test-support/sockets/ask';
import { listeningSocket } from 'wsproxy-test-support/sockets/kernel-sockets';
import { freePort } from 'wsproxy-test-support/sockets/listen';

/** Where a client finds its server, and how it is lost there. */
interface Place {
  readonly server: Program;
  readonly url: string;
  /** Where the next client finds it. */
  readonly next: string;
  readonly env?: Readonly<Record<string, string>>;
  lose(client: Program): unknown;
}

const kill = async (client: Program): Promise<void> => {
  client.signal('SIGKILL');
  await client.ended;
};

async function startPlain(lose: (client: Program, network: { hold(): void }) => unknown): Promise<Place> {
  const { server, relay, url } = await startFarEnd();
  return { server: server.program, url, next: urlOf(server), lose: (client) => lose(client, relay) };
}

async function startBehindNginx(): Promise<Place> {
  const { server, url, trusted } = await startBehind(startNginx, ['--reverse']);
  return { server, url, next: url, env: trusted, lose: kill };
}

/** Everything about a port that has an echo behind it, and the client that listens there. */
async function prepare(place: Place) {
  const [echo, port] = await Promise.all([startEcho(), freePort()]);
  const startClient = (url: string) =>
    startListening(url, [`${port}:127.0.0.1:${echo.port}`], place.env === undefined ? {} : { env: place.env });
  const client = await startClient(place.url);
  await ask(port);
  return { port, client, startClient };
}

/** A new client is started; the port works again, and nobody has closed it in between. */
async function expectNext(port: number, startClient: () => Promise<Program>, what: string): Promise<void> {
  const socket = listeningSocket(port);
  const start = performance.now();
  await startClient();
  await ask(port);
  console.log(`${what}: the port works again ${(performance.now() - start).toFixed(0)} ms after the start of a client`);
  expect(listeningSocket(port)).toBe(socket);
}

describe('a client that is killed, and started again,', () => {
  for (const program of ['nginx', 'openssl', 'curl']) skipUnlessInstalled(program);

  test.each([
    ['directly', () => startPlain(kill)],
    ['behind nginx', startBehindNginx],
  ])('has its port at once, and serves who has come in between: %s', async (how, startPlace) => {
    const place = await startPlace();
    const { port, client, startClient } = await prepare(place);
    await place.lose(client);
    await place.server.untilStderr(/"session detached"/);
    const early = await connectTo(port);
    early.write('early');
    await expectNext(port, () => startClient(place.next), how);
    expect((await readBytes(early, 5)).toString()).toBe('early');
  });

  test('has its port at once, though the network has not told the server of the kill', async () => {
    const place = await startPlain((client, network) => {
      network.hold();
      return kill(client);
    });
    const { port, client, startClient } = await prepare(place);
    await place.lose(client);
    await expectNext(port, () => startClient(place.next), 'silent network');
    expect(place.server.stderr).not.toMatch(/"session detached"/);
  });

  test('has its port at once, though the one before stands still; what that one was given it serves later', async () => {
    const place = await startPlain((client) => client.signal('SIGSTOP'));
    const { port, client, startClient } = await prepare(place);
    await place.lose(client);
    const early = await connectTo(port);
    early.write('early');
    await expectNext(port, () => startClient(place.next), 'stopped client');
    client.signal('SIGCONT');
    expect((await readBytes(early, 5)).toString()).toBe('early');
    await client.untilStderr(/stands by/);
    await ask(port);
  });
});
