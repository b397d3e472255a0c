import { fileURLToPath } from 'node:url';
import { SocksClient } from 'socks';
import { describe, expect, test } from 'vitest';
import { startDatagramEcho } from 'wsproxy-test-support/destinations/datagram-echo';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { pythonWith } from 'wsproxy-test-support/programs/python';
import { skipMissing, skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { bindDatagrams } from 'wsproxy-test-support/sockets/datagram-socket';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

describe('UDP by SOCKS', () => {
  skipUnlessInstalled('python3');

  test.for(['127.0.0.1', 'localhost'])('lets PySocks talk to %s', async (host, context) => {
    const python = await pythonWith('socks');
    if (python === undefined) return skipMissing(context, 'PySocks');
    const [{ port }, echo] = await Promise.all([startTunnel(), startDatagramEcho()]);
    const script = fileURLToPath(new URL('ask-by-pysocks.py', import.meta.url));
    const ended = await run(python, [script, String(port), host, String(echo.port), 'one', 'two']);
    // As it was named: PySocks drops what comes from anybody else.
    const from = `${host} ${echo.port}`;
    expect(ended).toMatchObject({ stderr: '', code: 0, stdout: `one ${from}\ntwo ${from}\nconnected\n` });
    expect(echo.senders.size).toBe(1);
  });
});

test('UDP by SOCKS lets the npm package socks talk to two peers by one association', async () => {
  const [{ port }, one, two] = await Promise.all([startTunnel(), startDatagramEcho(), startDatagramEcho()]);
  const { socket, remoteHost: relay } = await new Promise<Established>((resolve, reject) => {
    const client = new SocksClient({
      command: 'associate',
      proxy: { host: '127.0.0.1', port, type: 5 },
      destination: { host: '0.0.0.0', port: 0 },
      // The package never clears its timer, so the test has to wait for it.
      timeout: 1_500,
    });
    client.once('established', resolve);
    client.once('error', reject);
    client.connect();
  });
  const answers: string[] = [];
  const local = await bindDatagrams((bytes) => {
    const { remoteHost, data } = SocksClient.parseUDPFrame(bytes);
    answers.push(`${data.toString()} from ${remoteHost.host}:${remoteHost.port}`);
  });
  for (const peer of [one, two]) {
    const frame = { remoteHost: { host: '127.0.0.1', port: peer.port }, data: Buffer.from(`to ${peer.port}`) };
    await local.send(SocksClient.createUDPFrame(frame), relay?.port ?? 0, relay?.host);
  }
  await until('both have answered', () => answers.length === 2);
  expect(answers.sort()).toEqual([one, two].map((peer) => `to ${peer.port} from 127.0.0.1:${peer.port}`).sort());
  socket.destroy();
});

type Established = Parameters<Parameters<SocksClient['once']>[1]>[0];

/** The system takes no more from UDP senders than these: a rate that any machine keeps up with. */
const RATE = ['-b', '2M', '-l', '1200', '-t', '1'];

describe('iperf3 under socksify', () => {
  for (const program of ['iperf3', 'socksify']) skipUnlessInstalled(program);

  test.each([
    ['up', []],
    ['down', ['-R']],
  ])('sends datagrams %s', async (_way, options) => {
    const [{ port }, destination] = [await startTunnel(), await freePort()];
    const server = new Program('iperf3', ['-s', '-1', '-B', '127.0.0.1', '-p', String(destination), '--forceflush']);
    await server.untilStdout(/Server listening/);
    const args = ['iperf3', '-J', '-u', '-c', '127.0.0.1', '-p', String(destination), ...RATE, ...options];
    const { code, stdout, stderr } = await run('socksify', args, {
      env: { SOCKS5_SERVER: `127.0.0.1:${port}`, SOCKS_AUTOADD_LANROUTES: 'no' },
    });
    expect(code, stdout + stderr).toBe(0);
    const { packets, lost_packets: lost } = JSON.parse(stdout).end.sum;
    expect(packets).toBeGreaterThan(150);
    expect(lost).toBeLessThan(packets / 2);
    expect((await server.ended).code).toBe(0);
  });
});
