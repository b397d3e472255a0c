import { describe, expect, test } from 'vitest';
import { launch, readyPort, runCommand } from 'wsproxy-test-support/programs/command-line';
import { freePort, listen } from 'wsproxy-test-support/sockets/listen';
import { startServer } from 'wsproxy-test-support/tunnel';

describe('--status', () => {
  test('shows the client from its start on, no matter what the tunnel does', async () => {
    const port = await freePort();
    const args = [`ws://127.0.0.1:${port}/`, '--listen', '0', '--status', '0', '--log-format', 'json'];
    const client = launch('wsproxy-client', args);
    const url = await client.untilStderr(/"url":"(http:\/\/127\.0\.0\.1:\d+\/)"[^\n]*"status page"/);
    const look = async () => (await fetch(`${url}status.json`)).json() as Promise<unknown>;
    const proxy = `127.0.0.1:${await readyPort(client)}`;
    const away = { state: expect.stringMatching(/^(idle|connecting|waiting)$/), channels: [], proxy };
    expect(await look()).toMatchObject(away);
    expect(await (await fetch(`${url}proxy.pac`)).text()).toContain(`PROXY ${proxy}`);

    await startServer({}, port);
    await client.untilStderr(/"connected to the server"/);
    expect(await look()).toMatchObject({ state: 'online', server: `ws://127.0.0.1:${port}/`, proxy });
    client.signal('SIGTERM');
    expect(await client.ended).toMatchObject({ code: 0 });
  });

  test('of a port that is taken ends with exit code 1 and one line', async () => {
    const { port } = await listen((socket) => socket.destroy());
    const args = ['ws://127.0.0.1:9/', '--listen', '0', '--log-level', 'silent', '--status', String(port)];
    const { code, stderr } = await runCommand('wsproxy-client', args);
    expect(stderr).toBe(
      `wsproxy-client: cannot listen on 127.0.0.1:${port}: the port is in use; choose another port with --status, or end what has this one\n`,
    );
    expect(code).toBe(1);
  });

  test('and -W, which ends with its connection, exclude each other', async () => {
    const { code, stderr } = await runCommand('wsproxy-client', ['ws://127.0.0.1:9/', '-W', 'a:1', '--status', '1081']);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^[^\n]*-W[^\n]*cannot be used with[^\n]*--status[^\n]*\n$/),
    ]);
  });
});
