import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { until } from 'wsproxy-test-support/sockets/connected-sockets';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import type { Lesson, UpMode } from '../../../src/transports/http/client-up.js';
import { type HttpWay, newPieceSize, openHttp } from '../../../src/transports/http/open-http.js';
import { FIRST_PADDING } from '../../../src/transports/http/part.js';
import { endRecord, Heard, padding, RecordKind, record } from '../../../src/transports/http/records.js';
import { RefusedError } from '../../../src/transports/open-transport.js';
import { HttpEnds } from './http-ends.js';

let ends: HttpEnds;

beforeEach(async () => {
  ends = new HttpEnds();
  await ends.listen();
});

afterEach(() => ends.close());

const WAYS: readonly HttpWay[] = [
  { down: 'stream', up: 'stream' },
  { down: 'stream', up: 'pieces' },
  { down: 'poll', up: 'stream' },
  { down: 'poll', up: 'pieces' },
];

describe.each(WAYS)('a transport with down $down, up $up', (way) => {
  test('brings the parts in their order, both ways', async () => {
    const { client, atClient, server, atServer } = await ends.open(way);
    client.send([Buffer.from('one '), Buffer.from('two '), Buffer.from('three')]);
    server.send([Buffer.from('back')]);
    await until(() => atServer.length === 13 && atClient.length === 4);
    expect(atServer.bytes.toString()).toBe('one two three');
    expect(atClient.bytes.toString()).toBe('back');
  });

  test('brings 4 MiB each way, byte for byte, and keeps no memory of it', async () => {
    const { client, atClient, server, atServer } = await ends.open(way);
    const SIZE = 4_194_304;
    const STEP = 65_536;
    const feed = (seed: number, transport: typeof client, receiver: typeof atClient): void => {
      let at = 0;
      const push = (): void => {
        while (at < SIZE && transport.backlog < 131_072) {
          transport.send([pattern(seed, at, 100), pattern(seed, at + 100, STEP - 100)]);
          at += STEP;
        }
      };
      receiver.onDrain = push;
      push();
    };
    feed(1, client, atClient);
    feed(2, server, atServer);
    await until(() => atServer.length === SIZE && atClient.length === SIZE);
    expect(atServer.bytes.equals(pattern(1, 0, SIZE))).toBe(true);
    expect(atClient.bytes.equals(pattern(2, 0, SIZE))).toBe(true);
    await until(() => client.backlog === 0 && server.backlog === 0);
    await until(() => ends.memory.kept === 0);
  });

  test('tells the close code of either end at the other one', async () => {
    const first = await ends.open(way);
    first.server.close(4001, 'no more');
    await until(() => first.atClient.closed.length > 0 && first.atServer.closed.length > 0);
    expect(first.atClient.closed).toEqual([{ code: 4001, reason: 'no more' }]);
    const second = await ends.open(way);
    second.client.send([Buffer.from('last words')]);
    second.client.close(1000, 'done');
    await until(() => second.atServer.closed.length > 0 && second.atClient.closed.length > 0);
    expect(second.atServer.bytes.toString()).toBe('last words');
    expect(second.atServer.closed).toEqual([{ code: 1000, reason: 'done' }]);
    expect(ends.acceptor.size).toBe(0);
    expect(ends.ended).toBe(2);
  });

  test('tells the close code and the last words of the server though their connection is slower than the others', async () => {
    const relay = await new CuttingRelay(ends.port).start();
    ends.front = relay.port;
    let mode: UpMode = 'pieces';
    const onLearnt = ({ up = mode }: Lesson): void => {
      mode = up;
    };
    const { client, atClient, server, atServer } = await ends.open({ ...way, onLearnt });
    client.send([Buffer.from('x')]);
    const down = (): string[] => [...ends.waiting.keys()].filter((what) => /^(open|poll)/.test(what)).sort();
    await until(() => atServer.length === 1 && mode === way.up && down().length === (way.down === 'poll' ? 2 : 1));
    const port = ends.waiting.get(down()[0] ?? '');
    const slow = [...relay.connections].find(({ far }) => far.localPort === port);
    let hasLeft = false;
    relay.onBytes = (connection) => {
      hasLeft ||= connection === slow;
    };
    slow?.hold('down');
    server.send([Buffer.from('last words')]);
    server.close(4001, 'no more');
    await until(() => hasLeft);
    // What goes by other connections has come before this is open.
    (await ends.open(way)).client.terminate();
    expect(atClient.closed).toEqual([]);
    slow?.release();
    await until(() => atClient.closed.length > 0 && atServer.closed.length > 0);
    expect(atClient.bytes.toString()).toBe('last words');
    expect(atClient.closed).toEqual([{ code: 4001, reason: 'no more' }]);
  });

  test('is lost at both ends when one of them cuts it', async () => {
    const first = await ends.open(way);
    first.client.send([Buffer.from('x')]);
    await until(() => first.atServer.length === 1);
    first.client.terminate();
    await until(() => first.atServer.closed.length > 0);
    expect(first.atServer.closed).toEqual([{ code: 1006, reason: expect.any(String) }]);
    const second = await ends.open(way);
    second.server.terminate();
    await until(() => second.atClient.closed.length > 0);
    expect(second.atClient.closed).toEqual([{ code: 1006, reason: expect.any(String) }]);
    expect(ends.acceptor.size).toBe(0);
  });
});

describe('the way up', () => {
  test('goes by the body without end once its beginning has come', async () => {
    const learnt: Lesson[] = [];
    const { client, atServer } = await ends.open({ down: 'stream', up: 'stream', onLearnt: (one) => learnt.push(one) });
    client.send([Buffer.from('a')]);
    await until(() => atServer.length === 1 && learnt.length > 0);
    const { length } = ends.requests;
    client.send([Buffer.from('b')]);
    await until(() => atServer.length === 2);
    expect(ends.requests).toHaveLength(length);
    expect(learnt).toEqual([{ up: 'stream' }]);
  });

  test('goes on in pieces where that is held back, and says so', async () => {
    ends.middle = ({ headers }) => String(headers['wsproxy-transport']).endsWith(';stream');
    const learnt: Lesson[] = [];
    const { client, atServer } = await ends.open({ down: 'stream', up: 'stream', onLearnt: (one) => learnt.push(one) });
    client.send([Buffer.from('a')]);
    await until(() => learnt.length > 0);
    client.send([Buffer.from('b')]);
    await until(() => atServer.length === 2);
    expect(learnt).toEqual([{ up: 'pieces' }]);
    expect(ends.requests).toContain('piece=2');
  });

  test.each([262_143, 262_144, 262_145])(
    'brings %d bytes that wait when it closes, and then the end',
    async (length) => {
      const { client, atClient, atServer } = await ends.open({ down: 'stream', up: 'pieces' });
      client.send([pattern(4, 0, length)]);
      client.close(1000, 'done');
      await until(() => atServer.closed.length > 0 && atClient.closed.length > 0);
      expect(atServer.bytes.equals(pattern(4, 0, length))).toBe(true);
      expect(atServer.closed).toEqual([{ code: 1000, reason: 'done' }]);
    },
  );

  test('halves its pieces until they are taken (413), and loses nothing', async () => {
    ends.middle = (request, response) => {
      if (Number(request.headers['content-length']) <= 65_536) return false;
      response.writeHead(413, { connection: 'close' }).end();
      return true;
    };
    const pieceSize = newPieceSize();
    const { client, atServer } = await ends.open({ down: 'stream', up: 'pieces', pieceSize });
    client.send([pattern(3, 0, 1_000), pattern(3, 1_000, 299_000)]);
    await until(() => atServer.length === 300_000);
    expect(atServer.bytes.equals(pattern(3, 0, 300_000))).toBe(true);
    expect(pieceSize.bytes).toBeLessThanOrEqual(65_536);
    await until(() => ends.memory.kept === 0);
  });
});

test('the requests of a transport carry what each answer asks for', async () => {
  const seen: (string | undefined)[] = [];
  ends.middle = ({ headers }, response) => {
    seen.push(headers.cookie);
    response.setHeader('Set-Cookie', `SRV=${seen.length}`);
    return false;
  };
  const headersAfter = (answer: IncomingHttpHeaders): Record<string, string> => ({
    authorization: 'Bearer a-token-of-a-test',
    cookie: String(answer['set-cookie']?.[0]),
  });
  const opening = openHttp({ down: 'poll', up: 'pieces' });
  const client = await opening({ ...ends.way, headersAfter }, new AbortController().signal);
  for (let n = 1; n <= 3; n++) {
    client.send([Buffer.from('a')]);
    await until(() => (ends.accepted[0]?.receiver.length ?? 0) === n);
  }
  expect(seen[0]).toBeUndefined();
  expect(seen.slice(1).every((cookie) => /^SRV=\d+$/.test(String(cookie)))).toBe(true);
  expect(new Set(seen).size).toBeGreaterThan(3);
});

describe('a connection that has rested', () => {
  /** Cuts the first requests of `what` on connections that have carried others, without reading them: so many. */
  const cutRested = (what: RegExp, count: number): void => {
    const used = new WeakSet<Socket>();
    let left = count;
    ends.middle = ({ headers, socket }) => {
      const isRested = used.has(socket);
      used.add(socket);
      if (!isRested || left === 0 || !what.test(String(headers['wsproxy-transport']))) return false;
      left -= 1;
      socket.destroy();
      return true;
    };
  };

  test.each([/piece/, /poll/])('may be cut before the answer: the request is made once more (%s)', async (what) => {
    cutRested(what, 1);
    const { client, atClient, server, atServer } = await ends.open({ down: 'poll', up: 'pieces' });
    for (let n = 1; n <= 5; n++) {
      client.send([pattern(1, n * 3_000, 3_000)]);
      server.send([pattern(2, n * 3_000, 3_000)]);
      await until(() => atServer.length === n * 3_000 && atClient.length === n * 3_000);
    }
    expect(atServer.bytes.equals(pattern(1, 3_000, 15_000))).toBe(true);
    expect(atClient.bytes.equals(pattern(2, 3_000, 15_000))).toBe(true);
    expect([...atClient.closed, ...atServer.closed, ...ends.refused]).toEqual([]);
    expect(new Set(ends.requests).size).toBe(ends.requests.length - 1);
    await until(() => ends.memory.kept === 0);
  });

  test('that is cut when the server has the request ends the transport', async () => {
    const used = new WeakSet<Socket>();
    ends.middle = (request, response) => {
      const { headers, socket } = request;
      const isRested = used.has(socket);
      used.add(socket);
      if (!isRested || !/piece/.test(String(headers['wsproxy-transport']))) return false;
      request.once('end', () => setImmediate(() => socket.destroy()));
      response.writeHead = () => response;
      response.end = () => response;
      ends.accept(request, response);
      return true;
    };
    const { client, atClient, atServer } = await ends.open({ down: 'poll', up: 'pieces' });
    for (let n = 1; atClient.closed.length === 0; n++) {
      client.send([pattern(1, n * 3_000, 3_000)]);
      await until(() => atServer.length >= n * 3_000 || atClient.closed.length > 0);
    }
    expect(ends.refused).toContain(409);
    expect(atServer.bytes.equals(pattern(1, 3_000, atServer.length))).toBe(true);
  });
});

describe('openHttp', () => {
  test.each([401, 404, 409, 503])('rejects with the status of another answer (%d)', async (status) => {
    ends.middle = (_, response) => {
      response.writeHead(status).end('no');
      return true;
    };
    const opening = ends.open({ down: 'stream', up: 'stream' });
    await expect(opening).rejects.toThrow(RefusedError);
    await expect(opening).rejects.toMatchObject({ status });
  });

  test('takes no page for a transport, though its status is 200', async () => {
    ends.middle = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('log in');
      return true;
    };
    await expect(ends.open({ down: 'poll', up: 'pieces' })).rejects.toMatchObject({ status: 200 });
  });

  test.each([true, false])(
    'takes no answer that was held back until its end (of known length: %s)',
    async (isKnown) => {
      const heard = record(RecordKind.heard, Buffer.of(Heard.open));
      const held = Buffer.concat([padding(FIRST_PADDING), heard, endRecord(4007, 'no HELLO')]);
      ends.middle = ({ headers }, response) => {
        const id = String(headers['wsproxy-transport']).replace(/;.*/, '');
        response.writeHead(200, { 'Wsproxy-Transport': id, ...(isKnown && { 'Content-Length': held.length }) });
        response.write(held);
        response.end();
        return true;
      };
      await expect(ends.open({ down: 'stream', up: 'pieces' })).rejects.toThrow('when it was over');
    },
  );

  test('rejects, and leaves nothing open, when it is given up', async () => {
    ends.middle = () => true;
    const giveUp = new AbortController();
    const opening = openHttp({ down: 'stream', up: 'stream' })(ends.way, giveUp.signal);
    await until(() => ends.requests.length === 1);
    giveUp.abort();
    await expect(opening).rejects.toThrow('given up');
  });

  test('waits until something small has come behind the head', async () => {
    let resolve = (): void => {};
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    let isHeld = true;
    let release = (): void => {};
    ends.middle = (request, response) => {
      const write = response.write.bind(response) as (chunk: Uint8Array) => boolean;
      const held: Uint8Array[] = [];
      response.write = ((chunk: Uint8Array) => {
        if (!isHeld) return write(chunk);
        held.push(chunk);
        if (held.length === 2) resolve();
        return true;
      }) as typeof response.write;
      ends.accept(request, response);
      response.flushHeaders();
      release = () => {
        isHeld = false;
        for (const chunk of held) write(chunk);
      };
      return true;
    };
    let isOpen = false;
    const opening = openHttp({ down: 'stream', up: 'pieces' })(ends.way, new AbortController().signal);
    void opening.then(() => {
      isOpen = true;
    });
    await promise;
    await new Promise((done) => setImmediate(done));
    expect(isOpen).toBe(false);
    release();
    (await opening).terminate();
  });
});

test('what nobody fetches counts as backlog, and is let go of at the end', async () => {
  const { client, server } = await ends.open({ down: 'poll', up: 'pieces' });
  server.send([pattern(1, 0, 600_000), pattern(2, 0, 600_000)]);
  expect(server.backlog).toBe(1_200_000);
  client.terminate();
  server.terminate();
  expect(server.backlog).toBe(0);
  await until(() => ends.memory.kept === 0);
});
