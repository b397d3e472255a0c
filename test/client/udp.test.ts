import { describe, expect, test } from 'vitest';
import { runCommand, start } from 'wsproxy-test-support/programs/command-line';
import { askSocks5 } from 'wsproxy-test-support/sockets/application';
import { bindDatagrams } from 'wsproxy-test-support/sockets/datagram-socket';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { askAssociation, associate } from 'wsproxy-test-support/sockets/socks-association';
import { startServer, startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

/** A destination that sends back what comes, and the ports that asked it. */
async function startEcho() {
  const askers = new Set<number>();
  const echo = await bindDatagrams((data, { port, address }) => {
    askers.add(port);
    void echo.send(data, port, address);
  });
  return { port: echo.port, askers };
}

describe('UDP ASSOCIATE', () => {
  test('is refused with 07 where the server carries no datagrams; connections go on', async () => {
    const { port } = await startTunnel({ server: { udp: false } });
    expect((await askAssociation(port)).reply).toBe(0x07);
    const destination = await listen((socket) => socket.resume());
    const [reply, socket] = await askSocks5(port, '127.0.0.1', destination.port);
    expect(reply).toBe(0);
    socket.destroy();
  });

  test('sends past the tunnel what a rule names, by the same association', async () => {
    const [near, far] = [await startEcho(), await startEcho()];
    const { port } = await startTunnel({
      server: { allow: [`127.0.0.1:${far.port}/udp`], allowPrivate: false },
      client: { bypass: [`127.0.0.1:${near.port}/udp`] },
    });
    const heard: string[] = [];
    const association = await associate(port, (data, from) => void heard.push(`${data} from ${from.port}`));
    for (const echo of [near, far]) {
      await association.send(Buffer.from('ask'), { host: '127.0.0.1', port: echo.port });
      await until('it has answered', () => heard.includes(`ask from ${echo.port}`));
    }
    expect([near.askers.size, far.askers.size]).toEqual([1, 1]);
    expect([...near.askers]).not.toEqual([...far.askers]);
    association.control.destroy();
  });

  test('loses its connection when the session is lost, and its port with it', async () => {
    const { port, server } = await startTunnel();
    const { control, local, relay } = await associate(port);
    const closed = new Promise<void>((resolve) => {
      control.once('close', () => resolve());
      control.resume();
    });
    await server.close();
    await closed;
    await until('nobody has the port', async () => {
      const probe = await bindDatagrams(undefined, { port: relay.port }).catch(() => undefined);
      await probe?.close();
      return probe !== undefined;
    });
    await local.close();
  });

  test('tells the address that --udp-advertise names, and a port of its range', async () => {
    const { port: serverPort } = await startServer();
    const free = await bindDatagrams();
    await free.close();
    const range = `203.0.113.7:${free.port}-${free.port}`;
    const { port } = await start('wsproxy-client', [`ws://127.0.0.1:${serverPort}/`, '--udp-advertise', range]);
    const { reply, relay } = await askAssociation(port);
    expect([reply, relay]).toEqual([0, { host: '203.0.113.7', port: free.port }]);
  });
});

describe('wrong usage', () => {
  test.each([
    ['-L', 'unix:/tmp/x:host:80/udp', /-L.*Unix socket carries no datagrams/],
    ['-L', '53:host:53/sctp', /-L.*Expected/],
    ['--udp-advertise', 'proxy.example.org', /--udp-advertise: not an address to tell/],
    ['--udp-advertise', '203.0.113.7:10-5', /--udp-advertise: not an address to tell/],
  ])('of %s %s ends with exit code 2 and one line', async (flag, value, message) => {
    const ended = await runCommand('wsproxy-client', ['ws://127.0.0.1:9/', flag, value]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^wsproxy-client: [^\n]*\n$/);
    expect(ended.stderr).toMatch(message);
  });
});

test('a port with /udp that is in use is told as for TCP', async () => {
  const { port } = await bindDatagrams();
  const ended = await runCommand('wsproxy-client', ['ws://127.0.0.1:9/', '-L', `${port}:192.0.2.1:53/udp`]);
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toContain(`cannot listen on 127.0.0.1:${port}: the port is in use`);
});
