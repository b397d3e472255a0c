import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { readHead } from 'wsproxy-test-support/sockets/application';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { until } from 'wsproxy-test-support/until';

/** A proxy that speaks CONNECT, leads everywhere to `port`, and keeps what goes up. */
async function startEavesdropper(port: number, host = '127.0.0.1'): Promise<{ port: number; heard: () => Buffer }> {
  const heard: Buffer[] = [];
  const proxy = await listen((socket) => void serve(socket), { host });
  async function serve(socket: Socket): Promise<void> {
    heard.push(Buffer.from(await readHead(socket)));
    const onward = connect(port, '127.0.0.1');
    onward.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.on('data', (chunk: Buffer) => heard.push(Buffer.from(chunk)));
    socket.pipe(onward).pipe(socket);
  }
  return { port: proxy.port, heard: () => Buffer.concat(heard) };
}

describe('the token does not leave this machine in clear', () => {
  test.each([
    ['localhost', '127.0.0.1'],
    ['localhost', '127.0.0.2'],
    ['127.0.0.1', '127.0.0.2'],
    ['[::1]', '127.0.0.2'],
    ['127.0.0.2', '127.0.0.1'],
  ])('when ws:// names %s, by a proxy at %s', async (host, proxyHost) => {
    const { port } = await start('wsproxy-server', []);
    const proxy = await startEavesdropper(port, proxyHost);
    for (const command of [[], ['doctor']]) {
      const args = [...command, `ws://${host}:${port}/`, '--proxy', `http://${proxyHost}:${proxy.port}`];
      const { code, stderr } = await runCommand('wsproxy-client', args);
      expect(stderr).toMatch(/^wsproxy-client: url: ws:.. through a proxy would send the token in clear: .*\n$/);
      expect(code).toBe(2);
    }
    expect(proxy.heard()).toHaveLength(0);
  });

  test.each([
    ['second of two servers', ['wss://proxy.invalid/', 'ws://proxy.invalid/']],
    ['name that --resolve sends elsewhere', ['ws://localhost:9/', '--resolve', 'localhost:9:192.0.2.1']],
  ])('to the %s', async (_what, args) => {
    const { code, stderr } = await runCommand('wsproxy-client', args);
    expect(stderr).toMatch(/^wsproxy-client: url: ws:.. to .* would send the token in clear: .*--insecure.*\n$/);
    expect(code).toBe(2);
  });
});

describe('with --insecure it does, and what follows is masked', () => {
  /** RFC 6455 section 5.2: the key of the first frame behind the request, which has a short or a 16-bit length. */
  function maskOf(heard: Buffer): Buffer {
    const frame = heard.subarray(heard.lastIndexOf('\r\n\r\n') + 4);
    const at = ((frame[1] ?? 0) & 0x7f) === 126 ? 4 : 2;
    return frame.subarray(at, at + 4);
  }

  test('on the way through a proxy', async () => {
    const { port } = await start('wsproxy-server', []);
    const proxy = await startEavesdropper(port);
    await start('wsproxy-client', [
      `ws://localhost:${port}/`,
      '--insecure',
      '--proxy',
      `http://127.0.0.1:${proxy.port}`,
    ]);
    await until('a frame went up', () => maskOf(proxy.heard()).length === 4);
    expect(proxy.heard().includes(TOKEN)).toBe(true);
    expect(maskOf(proxy.heard())).not.toEqual(Buffer.alloc(4));
  });

  const [address] = Object.values(networkInterfaces()).flatMap((each) =>
    (each ?? []).filter(({ internal, family }) => !internal && family === 'IPv4').map((one) => one.address),
  );
  test.skipIf(address === undefined)('on the way to where --resolve leads', async () => {
    const heard: Buffer[] = [];
    const { port } = await start('wsproxy-server', []);
    const relay = await listen(
      (socket) => {
        const onward = connect(port, '127.0.0.1');
        onward.on('error', () => socket.destroy());
        socket.on('data', (chunk: Buffer) => heard.push(Buffer.from(chunk)));
        socket.pipe(onward).pipe(socket);
      },
      { host: address as string },
    );
    const place = `localhost:${relay.port}`;
    await start('wsproxy-client', [`ws://${place}/`, '--insecure', '--resolve', `${place}:${address}`]);
    await until('a frame went up', () => maskOf(Buffer.concat(heard)).length === 4);
    expect(maskOf(Buffer.concat(heard))).not.toEqual(Buffer.alloc(4));
  });
});
