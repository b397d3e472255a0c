import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startDatagramEcho } from 'wsproxy-test-support/destinations/datagram-echo';
import { startRelayedTunnel } from 'wsproxy-test-support/relayed-tunnel';
import { bindDatagrams } from 'wsproxy-test-support/sockets/datagram-socket';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

/** A program that sends datagrams by CONNECT-UDP, written from RFC 9298 and without a line of ours. */
class ConnectUdp {
  readonly socket: Socket;
  readonly datagrams: string[] = [];
  head = '';
  isClosed = false;
  #input = Buffer.alloc(0);

  constructor(port: number, host: string, to: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.write(
      `GET /.well-known/masque/udp/${encodeURIComponent(host)}/${to}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n` +
        'Connection: Upgrade\r\nUpgrade: connect-udp\r\nCapsule-Protocol: ?1\r\n\r\n',
    );
    this.socket.on('data', (bytes: Buffer) => this.#take(bytes));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.isClosed = true;
    });
    atEnd(() => this.socket.destroy());
  }

  get status(): number {
    return Number(this.head.split(' ')[1] ?? 0);
  }

  /** Type 0, a length in two bytes, context 0. */
  send(text: string): void {
    const length = text.length + 1;
    this.socket.write(Buffer.concat([Buffer.of(0, 0x40 | (length >> 8), length & 0xff, 0), Buffer.from(text)]));
  }

  /** Sends until it comes back. */
  async ask(text: string): Promise<void> {
    await until(`${text} is answered`, () => {
      if (this.datagrams.includes(text)) return true;
      this.send(text);
      return false;
    });
  }

  #take(bytes: Buffer): void {
    this.#input = Buffer.concat([this.#input, bytes]);
    if (this.head === '') {
      const end = this.#input.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.head = this.#input.toString('latin1', 0, end);
      this.#input = this.#input.subarray(end + 4);
    }
    if (this.status === 101) while (this.#takeCapsule());
  }

  #takeCapsule(): boolean {
    const input = this.#input;
    const size = 2 ** ((input[1] ?? 0) >> 6);
    if (input.length < 1 + size) return false;
    const length = input.readUIntBE(1, size) % 2 ** (8 * size - 2);
    if (input.length < 1 + size + length) return false;
    this.datagrams.push(input.toString('latin1', 2 + size, 1 + size + length));
    this.#input = input.subarray(1 + size + length);
    return true;
  }
}

describe('a program that speaks CONNECT-UDP', () => {
  test('exchanges datagrams with its peer, short ones and long ones, while WebSockets are lost', async () => {
    const [{ port, relay, client }, echo] = [await startRelayedTunnel(), await startDatagramEcho()];
    const program = new ConnectUdp(port, '127.0.0.1', echo.port);
    await until('it is answered', () => program.status === 101);
    await program.ask('');
    await program.ask('x'.repeat(1_400));
    relay.cut('reset');
    await program.ask('after');
    expect(echo.senders.size).toBe(1);
    expect(client.status().flows).toMatchObject([{ kind: 'connect-udp', target: `127.0.0.1:${echo.port}` }]);
    program.socket.end();
    await until('it is closed', () => program.isClosed);
    await until('the flow is over', () => client.status().flows.length === 0);
  });

  test('reaches a peer by its name', async () => {
    const [{ port }, echo] = [await startTunnel(), await startDatagramEcho()];
    const program = new ConnectUdp(port, 'localhost', echo.port);
    await until('it is answered', () => program.status === 101);
    await program.ask('by name');
  });

  test('is told that the server does not allow its peer', async () => {
    const [{ port }, peer] = [await startTunnel({ server: { allowPrivate: false } }), await bindDatagrams()];
    const program = new ConnectUdp(port, '127.0.0.1', peer.port);
    await until('it is closed', () => program.isClosed);
    expect(program.status).toBe(403);
  });
});
