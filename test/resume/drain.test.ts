import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { KeystreamChecker } from 'wsproxy-test-support/keystream';
import { start } from 'wsproxy-test-support/programs/command-line';
import { askSocks5, bySocks5, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { startClient } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const DOWNLOADS = 100;
/** Of each of so many, bytes. */
const SHORT = 4 * 1024 * 1024;
/** With less, all of it would fit into the buffers on the way, bytes. */
const LENGTH = 8 * 1024 * 1024;

const startServer = (...args: string[]) => start('wsproxy-server', ['--allow-private', ...args]);

/** A download that has begun, and stands still until it is read. */
class Download {
  readonly #socket: Socket;
  readonly #checker = new KeystreamChecker('down');

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async begin(proxy: number, source: number): Promise<Download> {
    const socket = await bySocks5(proxy, '127.0.0.1', source);
    const download = new Download(socket);
    download.#checker.push(await readBytes(socket, 1_000));
    return download;
  }

  /** Reads the rest; how it ended, and how many bytes there were. */
  async finish(): Promise<string> {
    const { by } = await readToEnd(this.#socket, (chunk) => this.#checker.push(chunk));
    this.#socket.end();
    return `${this.#checker.length} bytes, then ${by}`;
  }
}

/** What the server has sent to clients so far. */
async function bytesDown(adminPort: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  return Number(/^wsproxy_bytes_total{.*direction="down"} (\d+)$/m.exec(text)?.[1]);
}

describe('a server that is asked to stop', () => {
  test('K2 lets a hundred running downloads finish, byte for byte, and exits with 0 when the last one has', async () => {
    const release = new EventEmitter();
    const [{ program, port: serverPort }, source] = await Promise.all([
      startServer('--drain', '2m', '--admin', '0'),
      startSource(
        'down',
        SHORT,
        once(release, 'now').then(() => {}),
      ),
    ]);
    const { port } = await start('wsproxy-client', [`ws://127.0.0.1:${serverPort}/`]);
    const downloads = await Promise.all(Array.from({ length: DOWNLOADS }, () => Download.begin(port, source.port)));
    const adminPort = await program.untilStderr(/"admin":"127\.0\.0\.1:(\d+)"/);
    const asked = performance.now();
    program.signal('SIGTERM');
    await program.untilStderr(new RegExp(`"channels":${DOWNLOADS},[^\n]*stopping`));
    expect(await bytesDown(adminPort)).toBeLessThanOrEqual((DOWNLOADS * SHORT) / 2);
    release.emit('now');
    expect(await Promise.all(downloads.map((download) => download.finish()))).toEqual(
      Array.from({ length: DOWNLOADS }, () => `${SHORT} bytes, then end`),
    );
    const { code, stderr } = await program.ended;
    expect(code).toBe(0);
    expect(stderr).not.toContain('did not finish');
    const sinceAsked = Math.round(performance.now() - asked);
    console.log(`SIGTERM under ${DOWNLOADS} downloads of ${SHORT} bytes: all complete, exit 0 after ${sinceAsked} ms`);
  });

  test('does the same for channels whose connection is lost meanwhile', async () => {
    const [{ program, port: serverPort }, source] = await Promise.all([startServer(), startSource('down', LENGTH)]);
    const relay = await new CuttingRelay(serverPort).start();
    const { port } = await startClient(relay.port);
    const download = await Download.begin(port, source.port);
    await relay.stop();
    program.signal('SIGTERM');
    await program.untilStderr(/stopping/);
    await relay.start();
    expect(await download.finish()).toBe(`${LENGTH} bytes, then end`);
    expect((await program.ended).code).toBe(0);
  });

  test('exits at once when nothing runs', async () => {
    const { program, port } = await startServer();
    const { client } = await startClient(port);
    const asked = performance.now();
    program.signal('SIGTERM');
    expect((await program.ended).code).toBe(0);
    expect(performance.now() - asked).toBeLessThan(1_500);
    await until('the client is looking for another one', () => client.state !== 'online');
  });

  test('cuts what does not finish in its time, tells so, and exits with 0', async () => {
    const [{ program, port: serverPort }, source] = await Promise.all([
      startServer('--drain', '500ms'),
      startSource('down', LENGTH),
    ]);
    const { port } = await startClient(serverPort);
    const download = await Download.begin(port, source.port);
    program.signal('SIGTERM');
    const { code, stderr } = await program.ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/"channels":1[^\n]*did not finish in time/);
    expect(await download.finish()).toMatch(/then reset$/);
  });

  test('K3 ends at once with 143 when it is asked twice', async () => {
    const [{ program, port: serverPort }, source] = await Promise.all([startServer(), startSource('down', LENGTH)]);
    const { port } = await startClient(serverPort, { grace: 500 });
    await Download.begin(port, source.port);
    program.signal('SIGTERM');
    await program.untilStderr(/stopping/);
    const asked = performance.now();
    // One key press may arrive twice, so what comes within 50 ms counts once.
    const again = setInterval(() => program.signal('SIGTERM'), 20);
    const { code } = await program.ended;
    clearInterval(again);
    expect(code).toBe(143);
    expect(performance.now() - asked).toBeLessThan(1_000);
  });

  test('sends new channels to where the next server is, while the old ones finish', async () => {
    const [first, second, source, echo] = await Promise.all([
      startServer(),
      startServer(),
      startSource('down', LENGTH),
      startEcho(),
    ]);
    const balancer = await new CuttingRelay(first.port).start();
    const { port } = await startClient(balancer.port);
    const download = await Download.begin(port, source.port);
    balancer.target = second.port;
    first.program.signal('SIGTERM');
    await first.program.untilStderr(/stopping/);
    // The client has heard of it: what it opens from now on does not cross that on the way.
    await second.program.untilStderr(/session began/);

    const socket = await bySocks5(port, '127.0.0.1', echo.port);
    socket.write('hello');
    expect((await readBytes(socket, 5)).toString()).toBe('hello');
    expect(await download.finish()).toBe(`${LENGTH} bytes, then end`);
    expect((await first.program.ended).code).toBe(0);
    socket.destroy();
  });

  test('serves new channels while nobody else does, and leaves them to the next server at its end', async () => {
    const [first, second, source, echo] = await Promise.all([
      startServer('--drain', '4s'),
      startServer(),
      startSource('down', LENGTH),
      startEcho(),
    ]);
    const balancer = await new CuttingRelay(first.port).start();
    const { client, port } = await startClient(balancer.port);
    const download = await Download.begin(port, source.port);
    first.program.signal('SIGTERM');
    await until('the client knows of it', () => client.state === 'draining');

    const replies: (number | undefined)[] = [];
    let isOver = false;
    // One after the other, four at a time, so that some come in each moment of the change.
    const asking = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const [reply, socket] = await askSocks5(port, '127.0.0.1', echo.port);
        replies.push(reply);
        socket.destroy();
      }
    });
    await until('some are served by a server that drains', () => replies.length > 20);
    expect((await first.program.ended).code).toBe(0);
    balancer.target = second.port;
    await until('the client is back', () => client.state === 'online');
    isOver = true;
    await Promise.all(asking);
    expect(new Set(replies)).toEqual(new Set([0x00]));
    expect(await download.finish()).toMatch(/then reset$/);
  });
});
