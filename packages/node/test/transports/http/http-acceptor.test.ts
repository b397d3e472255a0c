import { Agent, type IncomingMessage, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from 'wsproxy-test-support/sockets/connected-sockets';
import { newTransportId } from '../../../src/transports/http/part.js';
import { padding, RecordKind, record } from '../../../src/transports/http/records.js';
import { HttpEnds } from './http-ends.js';

let ends: HttpEnds;
let agent: Agent;

beforeEach(async () => {
  ends = new HttpEnds();
  agent = new Agent();
  await ends.listen();
});

afterEach(async () => {
  agent.destroy();
  await ends.close();
});

/** Resolves with the head of the answer; what follows is read. */
function post(part: string, body: Buffer = Buffer.alloc(0), method = 'POST'): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'Wsproxy-Transport': part, 'Content-Length': body.length };
    request({ agent, port: ends.port, method, headers }, (response) => {
      response.on('error', () => {});
      resolve(response.resume());
    })
      .on('error', reject)
      .end(body);
  });
}

async function statusOf(part: string, body?: Buffer): Promise<number | undefined> {
  return (await post(part, body)).statusCode;
}

const bytes = (text: string): Buffer => record(RecordKind.bytes, Buffer.from(text));

describe('a request that opens a transport', () => {
  test('is answered at once, with headers that keep proxies from holding the answer back', async () => {
    const id = newTransportId();
    const { statusCode, headers } = await post(`${id};open`);
    expect(statusCode).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'wsproxy-transport': id,
      'x-opened': 'yes',
    });
    expect(ends.acceptor.size).toBe(1);
  });

  test.each(['open', 'open-poll'])('%s that comes twice ends the transport, and gets 409', async (open) => {
    const id = newTransportId();
    await post(`${id};${open}`);
    expect(await statusOf(`${id};${open}`)).toBe(409);
    expect(ends.accepted[0]?.receiver.closed).toEqual([{ code: 1006, reason: expect.any(String) }]);
    expect(await statusOf(`${id};${open}`)).toBe(409);
    expect(ends.accepted).toHaveLength(1);
    expect(ends.acceptor.size).toBe(0);
  });

  test('is no right one with another method', async () => {
    expect((await post(`${newTransportId()};open`, undefined, 'GET')).statusCode).toBe(400);
    expect(ends.accepted).toHaveLength(0);
  });
});

describe('a later request', () => {
  let id: string;

  beforeEach(async () => {
    id = newTransportId();
    await post(`${id};open`);
  });

  const isLost = (): boolean => (ends.accepted[0]?.receiver.closed.length ?? 0) > 0;

  test('brings its bytes, and is answered with 204 when all of it was read', async () => {
    expect(await statusOf(`${id};piece=1`, Buffer.concat([bytes('a'), padding(3), bytes('b')]))).toBe(204);
    expect(await statusOf(`${id};piece=2`, bytes('c'))).toBe(204);
    expect(ends.accepted[0]?.receiver.bytes.toString()).toBe('abc');
  });

  test.each([
    ['a piece that comes twice', ['piece=1', 'piece=1']],
    ['a piece after a gap', ['piece=2']],
    ['a poll where none is expected', ['poll=1']],
  ])('%s ends the transport, and gets 409', async (_, parts) => {
    let status: number | undefined;
    for (const part of parts)
      status = await statusOf(`${id};${part}`, part.startsWith('piece') ? bytes('x') : undefined);
    expect(status).toBe(409);
    expect(isLost()).toBe(true);
    expect(ends.accepted[0]?.receiver.bytes.length).toBeLessThan(2);
  });

  test('of somebody else gets 409, and changes nothing', async () => {
    ends.owner = 'eve';
    for (const part of ['piece=1', 'stream', 'open', 'poll=1']) expect(await statusOf(`${id};${part}`)).toBe(409);
    ends.owner = 'ada';
    expect(isLost()).toBe(false);
    expect(await statusOf(`${id};piece=1`, bytes('mine'))).toBe(204);
    expect(ends.accepted[0]?.receiver.bytes.toString()).toBe('mine');
  });

  test('for a transport that nobody has opened gets 409, and opens none', async () => {
    for (const part of ['piece=1', 'stream', 'poll=1']) expect(await statusOf(`${newTransportId()};${part}`)).toBe(409);
    expect(ends.accepted).toHaveLength(1);
  });

  test('with more than a piece may carry ends the transport', async () => {
    const posting = post(`${id};piece=1`, bytes('x'.repeat(300_000))).catch(() => {});
    await until(isLost);
    await posting;
    expect(ends.accepted[0]?.receiver.length).toBeLessThanOrEqual(262_148);
  });

  test('that ends within a record ends the transport', async () => {
    const posting = post(`${id};piece=1`, bytes('abc').subarray(0, 6)).catch(() => {});
    await until(isLost);
    await posting;
  });

  test('that is cut ends the transport, and brings no more than has come', async () => {
    const headers = { 'Wsproxy-Transport': `${id};piece=1`, 'Content-Length': 1_000 };
    const posting = request({ agent, port: ends.port, method: 'POST', headers }).on('error', () => {});
    posting.write(bytes('abc'));
    await until(() => ends.accepted[0]?.receiver.length === 3);
    posting.destroy();
    await until(isLost);
  });

  test('without end that was only tried may be cut', async () => {
    const headers = { 'Wsproxy-Transport': `${id};stream` };
    const trying = request({ agent, port: ends.port, method: 'POST', headers }).on('error', () => {});
    trying.write(padding(8));
    await until(() => ends.requests.includes('stream'));
    trying.destroy();
    expect(await statusOf(`${id};piece=1`, bytes('x'))).toBe(204);
    expect(isLost()).toBe(false);
  });
});

describe('polls', () => {
  test('are answered in their order, no matter what order they come in', async () => {
    const id = newTransportId();
    await post(`${id};open-poll`);
    const second = post(`${id};poll=2`);
    await until(() => ends.requests.includes('poll=2'));
    ends.accepted[0]?.transport.send([Buffer.from('down')]);
    const first = await post(`${id};poll=1`);
    expect(first.headers['content-length']).toBe('8');
    ends.accepted[0]?.transport.send([Buffer.from('more!')]);
    expect((await second).headers['content-length']).toBe('9');
  });

  test('are two at most: a third ends the transport', async () => {
    const id = newTransportId();
    await post(`${id};open-poll`);
    const polls = [1, 2].map((n) => post(`${id};poll=${n}`).catch(() => {}));
    await until(() => ends.requests.includes('poll=1') && ends.requests.includes('poll=2'));
    expect(await statusOf(`${id};poll=3`)).toBe(409);
    await Promise.all(polls);
    expect(ends.accepted[0]?.receiver.closed).toHaveLength(1);
    expect(ends.acceptor.size).toBe(0);
  });
});
