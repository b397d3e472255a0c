import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { Exchanges } from '../../../src/inspect/seen/exchanges.js';
import { respond, START, upgrade } from './fake-exchanges.js';

const MIB = 1_048_576;

describe('what is kept of an exchange', () => {
  test('is its bodies, trailers and times', () => {
    const clock = new FakeClock();
    const exchanges = new Exchanges(clock);
    const watcher = exchanges.onExchange({ ...START, at: clock.wallTime() });
    watcher.onRequestBody(Buffer.from('a='));
    clock.advance(5);
    watcher.onRequestBody(Buffer.from('1'));
    watcher.onRequestEnd(['X-Sum', '2']);
    watcher.onInformation(103, ['Link', '</a.css>']);
    respond(watcher, 200, ['Content-Type', 'text/plain']);
    watcher.onResponseBody(Buffer.from('hello'));
    watcher.onResponseEnd(['X-End', '1']);
    clock.advance(7);
    watcher.onEnd();
    const exchange = exchanges.find(1);
    expect(exchange).toMatchObject({
      kind: 'http',
      requestTrailers: ['X-Sum', '2'],
      responseTrailers: ['X-End', '1'],
      informations: [{ status: 103, headers: ['Link', '</a.css>'] }],
      failure: undefined,
    });
    expect([exchange?.requestBody.bytes.toString(), exchange?.responseBody.bytes.toString()]).toEqual(['a=1', 'hello']);
    const began = exchange?.start.at ?? 0;
    expect([(exchange?.requestEndedAt ?? 0) - began, (exchange?.endedAt ?? 0) - began]).toEqual([5, 12]);
  });

  test('is a copy: the memory of pieces is used again', () => {
    const exchanges = new Exchanges(new FakeClock());
    const watcher = exchanges.onExchange(START);
    const piece = Buffer.from('first');
    watcher.onRequestBody(piece);
    piece.write('other');
    watcher.onRequestBody(piece);
    expect(exchanges.find(1)?.requestBody.bytes.toString()).toBe('firstother');
  });

  test('is 1 MiB of a body; the rest is counted', () => {
    const exchanges = new Exchanges(new FakeClock());
    const watcher = exchanges.onExchange(START);
    const piece = Buffer.alloc(65_535, 1);
    for (let n = 0; n < 100; n++) watcher.onResponseBody(piece);
    const body = exchanges.find(1)?.responseBody;
    expect([body?.count, body?.bytes.length, body?.isWhole]).toEqual([6_553_500, MIB, false]);
    expect(exchanges.held).toBeLessThan(MIB + 10_000);
  });

  test('is bounded under floods of headers, informations and messages', () => {
    const exchanges = new Exchanges(new FakeClock());
    const flood = Array.from({ length: 20_000 }, (_, n) => `x-${n}`);
    const watcher = exchanges.onExchange({ ...START, headers: flood, url: `https://h/${'a'.repeat(MIB)}` });
    for (let n = 0; n < 1_000; n++) watcher.onInformation(100, flood);
    expect(exchanges.find(1)?.headersLeft).toBeGreaterThan(5_000);
    expect(exchanges.held).toBeLessThan(2 * MIB);
    const socket = exchanges.onExchange(START);
    upgrade(socket);
    const small = Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from([0x81, 1, 0x61])));
    socket.onBytes('down', small);
    const seen = exchanges.find(2);
    expect([seen?.messageCount, seen?.messages.length, seen?.messages[0]?.number]).toEqual([10_000, 1_000, 9_001]);
    const large = Buffer.alloc(MIB + 10);
    large.writeUInt8(0x82, 0);
    large.writeUInt8(127, 1);
    large.writeBigUInt64BE(BigInt(MIB), 2);
    for (let n = 0; n < 20; n++) socket.onBytes('up', large);
    expect(exchanges.held).toBeLessThan(8 * MIB);
  });

  test('is the messages of a WebSocket, both ways together', () => {
    const exchanges = new Exchanges(new FakeClock());
    const watcher = exchanges.onExchange(START);
    upgrade(watcher);
    watcher.onBytes('up', Buffer.from([0x81, 0x82, 1, 2, 3, 4, 0x68 ^ 1, 0x69 ^ 2]));
    watcher.onBytes('down', Buffer.from([0x82, 1, 7]));
    watcher.onBytes('down', Buffer.from([0x83, 0, 0x81, 1, 7]));
    watcher.onEnd('cut');
    const exchange = exchanges.find(1);
    expect(exchange?.messages).toMatchObject([
      { number: 1, direction: 'up', opcode: 1, bytes: 2, data: Buffer.from('hi') },
      { number: 2, direction: 'down', opcode: 2, bytes: 1, data: Buffer.of(7) },
    ]);
    expect([exchange?.kind, exchange?.bytesUp, exchange?.messageProblem, exchange?.failure]).toEqual([
      'websocket',
      8,
      'a frame has the opcode 3',
      'cut',
    ]);
  });

  test('is no messages where another protocol follows a 101', () => {
    const exchanges = new Exchanges(new FakeClock());
    const watcher = exchanges.onExchange({ ...START, headers: ['Upgrade', 'tcp'] });
    respond(watcher, 101, ['Upgrade', 'tcp']);
    watcher.onBytes('down', Buffer.alloc(100));
    expect(exchanges.find(1)).toMatchObject({ kind: 'http', bytesDown: 100, messageCount: 0 });
  });
});

describe('how many exchanges are kept', () => {
  test('is bounded: the oldest that is over goes first', () => {
    const exchanges = new Exchanges(new FakeClock(), { exchanges: 3, bytes: 1e9 });
    const [living] = [exchanges.onExchange(START), exchanges.onExchange(START).onEnd(), exchanges.onExchange(START)];
    exchanges.onExchange(START);
    expect([...exchanges.all()].map(({ id }) => id)).toEqual([1, 3, 4]);
    exchanges.onExchange(START);
    // None is over.
    expect([...exchanges.all()].map(({ id }) => id)).toEqual([3, 4, 5]);
    living?.onResponseBody(Buffer.alloc(MIB));
    expect([exchanges.left, exchanges.held < 20_000]).toEqual([2, true]);
  });

  test('is forgotten at a word, and what lives is told no more', () => {
    const exchanges = new Exchanges(new FakeClock());
    const watcher = exchanges.onExchange(START);
    upgrade(watcher);
    watcher.onBytes('down', Buffer.from([0x81, 100, 1]));
    exchanges.clear();
    watcher.onBytes('down', Buffer.alloc(1_000));
    watcher.onResponseBody(Buffer.alloc(1_000));
    watcher.onEnd();
    expect([[...exchanges.all()].length, exchanges.held]).toEqual([0, 0]);
  });

  test('counts nothing of what is dropped while its connection lives, since nothing of it is kept', () => {
    const exchanges = new Exchanges(new FakeClock(), { exchanges: 1, bytes: 1e9 });
    const headers = ['X-Large', 'x'.repeat(60_000)];
    const watcher = exchanges.onExchange({ ...START, headers });
    const dropped = exchanges.find(1);
    watcher.onInformation(103, headers);
    watcher.onRequestEnd(headers);
    respond(watcher, 200, headers);
    watcher.onResponseEnd(headers);
    exchanges.onExchange(START).onEnd();
    const { held } = exchanges;
    watcher.onInformation(103, headers);
    watcher.onRequestEnd(headers);
    upgrade(watcher);
    watcher.onBytes('down', Buffer.from([0x81, 1, 0x61]));
    watcher.onEnd('x'.repeat(60_000));
    expect(dropped).toMatchObject({
      ...{ informations: [], requestTrailers: [], responseTrailers: [], messages: [] },
      ...{ response: undefined, failure: undefined, held: 0 },
    });
    expect(dropped?.start).toMatchObject({ url: '', headers: [] });
    expect([exchanges.held, held < 10_000]).toEqual([held, true]);
  });

  test('is bounded in memory, and what is told as held is the sum of them, in any order of events', () => {
    const step = fc.record({
      at: fc.nat({ max: 9 }),
      what: fc.constantFrom('begin', 'body', 'answer', 'upgrade', 'bytes', 'end', 'clear'),
      size: fc.nat({ max: 40_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const bytes = 200_000;
        const exchanges = new Exchanges(new FakeClock(), { exchanges: 8, bytes });
        const watchers = Array.from({ length: 10 }, () => exchanges.onExchange(START));
        for (const { at, what, size } of steps) {
          const watcher = watchers[at];
          if (watcher === undefined) continue;
          if (what === 'begin') watchers[at] = exchanges.onExchange({ ...START, headers: ['a', 'b'.repeat(size)] });
          if (what === 'body') watcher.onRequestBody(Buffer.alloc(size));
          if (what === 'answer') respond(watcher, 200, ['x', 'y'.repeat(size)]);
          if (what === 'upgrade') upgrade(watcher, 'permessage-deflate');
          if (what === 'bytes')
            watcher.onBytes('up', Buffer.concat([Buffer.from([0x82, 126, 0, 200]), Buffer.alloc(size)]));
          if (what === 'end') watcher.onEnd();
          if (what === 'clear') exchanges.clear();
          const kept = [...exchanges.all()];
          expect(exchanges.held).toBe(kept.reduce((sum, { held }) => sum + held, 0));
          expect(kept.length).toBeLessThanOrEqual(8);
          if (kept.length > 1) expect(exchanges.held).toBeLessThanOrEqual(bytes);
        }
      }),
    );
  });
});
