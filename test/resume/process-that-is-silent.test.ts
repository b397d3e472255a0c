import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { readHead } from 'wsproxy-test-support/sockets/application';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

/** A reverse proxy in front of a server of several processes, of which one may not answer for a while; it keeps clients by a cookie. */
class Front {
  /** The process that has the sessions so far does not answer: anything that comes back is told so. */
  ownerIsAway = false;
  /** What was asked for, head by head. */
  readonly heads: string[] = [];
  readonly #near = new Set<Socket>();

  /** Passes on to `target`; its port. */
  async start(target: number): Promise<number> {
    return (await listen((near) => void this.#serve(near, target))).port;
  }

  /** Every connection is lost. */
  cut(): void {
    for (const socket of this.#near) socket.resetAndDestroy();
  }

  async #serve(near: Socket, target: number): Promise<void> {
    near.on('error', () => {});
    const head = String(await readHead(near));
    this.heads.push(head);
    const route = /^wsproxy-route: (.*)\r$/im.exec(head)?.[1];
    if (this.ownerIsAway && route !== undefined) {
      near.end(
        `HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nWsproxy-Route: ${route}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      );
      return;
    }
    const far = connect({ port: target, host: '127.0.0.1' });
    far.on('error', () => {});
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
    far.write(head);
    const answer = String(await readHead(far));
    near.write(answer.replace(/\r\n\r\n$/, '\r\nSet-Cookie: SRV=front-1; Path=/\r\n\r\n'));
    this.#near.add(near);
    near.pipe(far);
    far.pipe(near);
  }
}

const valueIn = (head: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)\r$`, 'im').exec(head)?.[1];

test('while the process of a session does not answer what is new is served, and what runs goes on once it does', async () => {
  const echo = await startEcho();
  const front = new Front();
  const { client, server } = await startTunnel({ through: (port) => front.start(port) });
  const say = async (socket: Awaited<ReturnType<typeof client.connect>>, text: string): Promise<string> => {
    const heard = once(socket, 'data');
    socket.write(text);
    return String((await heard)[0]);
  };
  const old = await client.connect({ host: '127.0.0.1', port: echo.port });
  expect(await say(old, 'before')).toBe('before');
  front.ownerIsAway = true;
  front.cut();
  // What has left before that may have been dialled: nobody asks for it twice.
  await until('the client knows of it', () => client.status().state !== 'online');
  const fresh = await client.connect({ host: '127.0.0.1', port: echo.port });
  expect(await say(fresh, 'meanwhile')).toBe('meanwhile');
  expect([server.sessionCount, client.status().stranded]).toEqual([2, 1]);
  const answered = say(old, 'after');
  front.ownerIsAway = false;
  expect(await answered).toBe('after');
  await until('nothing is stranded', () => client.status().stranded === 0);
  for (const socket of [old, fresh]) socket.destroy();
  const sessions = front.heads.map((head) => valueIn(head, 'wsproxy-session'));
  const [first, ...later] = front.heads;
  expect([valueIn(first ?? '', 'cookie'), new Set(sessions).size]).toEqual([undefined, 2]);
  // Those of the first session have its cookie, and where it lives; the second one has begun without either.
  const resumes = later.filter((head) => valueIn(head, 'wsproxy-resume') === '1');
  expect(resumes.map((head) => [valueIn(head, 'cookie'), valueIn(head, 'wsproxy-route')])).toEqual(
    resumes.map(() => ['SRV=front-1', server.route]),
  );
  const begun = later.filter((head) => valueIn(head, 'wsproxy-resume') === undefined);
  expect(begun.map((head) => [valueIn(head, 'cookie'), valueIn(head, 'wsproxy-route')])).toEqual([
    [undefined, undefined],
  ]);
});
