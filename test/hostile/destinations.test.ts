import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { Program } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { byConnect, bySocks5, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const WAYS = [
  ['SOCKS5', bySocks5],
  ['CONNECT', byConnect],
] as const;

describe.each(WAYS)('by %s, a destination', (_name, way) => {
  test('I1 that resets right after it has accepted is a failure or a reset, never an end', async () => {
    const [{ port }, resetting] = await Promise.all([startTunnel(), listen((socket) => socket.resetAndDestroy())]);
    for (let n = 0; n < 20; n++) {
      // Whether the reset comes before the answer is a matter of microseconds.
      const socket = await way(port, '127.0.0.1', resetting.port).catch((error: Error) => error);
      if (socket instanceof Error) expect(socket.message).toMatch(/reply 1$|answered 502$/);
      else expect(await readToEnd(socket)).toEqual({ bytes: 0, by: 'reset' });
    }
  });

  test('I1 that resets after the first byte of the application is a reset', async () => {
    const resetting = await listen((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const { port } = await startTunnel();
    const socket = await way(port, '127.0.0.1', resetting.port);
    socket.write('!');
    expect(await readToEnd(socket)).toEqual({ bytes: 0, by: 'reset' });
  });

  test('I4 that ends at the same time as the application leaves nothing', async () => {
    const [tunnel, ending] = await Promise.all([startTunnel(), listen((socket) => socket.resume().end())]);
    for (let n = 0; n < 50; n++) {
      const socket = await way(tunnel.port, '127.0.0.1', ending.port);
      const ended = readToEnd(socket);
      socket.end();
      expect(await ended).toEqual({ bytes: 0, by: 'end' });
    }
    await until('no channel is left', () => tunnel.client.channelCount + tunnel.server.channelCount === 0);
    await until('no destination is left', () => ending.sockets.size === 0);
  });

  test('I6 that sends byte after byte is heard byte by byte, none waits for the next', async () => {
    const [{ port }, dripping] = await Promise.all([
      startTunnel(),
      // The next byte only when the one before was answered: anyone who collects them waits for ever.
      listen((socket) => {
        let sent = 0;
        const drip = (): void => {
          if (sent < 200) socket.write(Buffer.of(sent++));
          else socket.end();
        };
        socket.on('data', drip);
        drip();
      }),
    ]);
    const socket = await way(port, '127.0.0.1', dripping.port);
    for (let n = 0; n < 200; n++) {
      expect((await readBytes(socket, 1))[0]).toBe(n);
      socket.write('!');
    }
    expect(await readToEnd(socket)).toEqual({ bytes: 0, by: 'end' });
    socket.destroy();
  });

  test('I9 that accepts and says nothing is waited for, and heard when it speaks', async () => {
    const silent = await listen((socket) => socket.resume().once('end', () => socket.end()));
    const { port } = await startTunnel();
    const socket = await way(port, '127.0.0.1', silent.port);
    await until('it has accepted', () => silent.sockets.size === 1);
    const [far] = silent.sockets;
    const spoken = once(socket, 'data');
    socket.resume();
    // Others come and go meanwhile.
    for (let n = 0; n < 20; n++) (await way(port, '127.0.0.1', silent.port)).destroy();
    far?.write('at last');
    expect(String((await spoken)[0])).toBe('at last');
    socket.destroy();
  });
});

describe('urgent data of a destination (RFC 9293 section 3.8.5)', () => {
  skipUnlessInstalled('perl');

  /** Sends a byte out of band in the middle, as only a program in another language can. */
  const SCRIPT = `
    use strict; use IO::Socket::INET; use Socket qw(MSG_OOB);
    my $server = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die $!;
    $| = 1; print $server->sockport, "\\n";
    my $socket = $server->accept;
    send($socket, 'before', 0); send($socket, '!', MSG_OOB); send($socket, 'after', 0);
    close $socket;`;

  test('I11 harms nothing: what is in band arrives', async () => {
    const { port } = await startTunnel();
    const program = new Program('perl', ['-e', SCRIPT]);
    const destination = Number(await program.untilStdout(/(\d+)/));
    const socket = await bySocks5(port, '127.0.0.1', destination);
    const chunks: Buffer[] = [];
    const { by } = await readToEnd(socket, (chunk) => chunks.push(chunk));
    socket.destroy();
    expect([Buffer.concat(chunks).toString(), by]).toEqual(['beforeafter', 'end']);
    await program.ended;
  });
});
