import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { bytesOf, textOf } from 'wsproxy-test-support/engine/bytes';
import { WebSocketTransport } from '../src/web-socket-transport.js';

/** What a transport uses of a WebSocket, in the hands of the test. */
class FakeWebSocket {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  onmessage: ((event: { data: ArrayBuffer | string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readonly sent: string[] = [];
  readonly closed: unknown[][] = [];

  send(bytes: Uint8Array): void {
    this.sent.push(textOf(bytes));
    this.bufferedAmount += bytes.length;
  }

  close(...how: unknown[]): void {
    this.readyState = 2;
    this.closed.push(how);
  }
}

function newTransport() {
  const clock = new FakeClock();
  const socket = new FakeWebSocket();
  const transport = new WebSocketTransport(socket as unknown as WebSocket, clock);
  const events: string[] = [];
  transport.receiver = {
    onBytes: (bytes) => events.push(`bytes ${textOf(bytes)}`),
    onText: () => events.push('text'),
    onDrain: () => events.push(`drain ${transport.backlog}`),
    onClose: (code, reason) => events.push(`close ${code} ${reason}`),
  };
  const bring = (text: string): void => socket.onmessage?.({ data: new Uint8Array(bytesOf(text)).buffer });
  return { clock, socket, transport, events, bring };
}

describe('a transport by the WebSocket of a browser', () => {
  test('sends the parts of a batch as one message', () => {
    const { socket, transport } = newTransport();
    transport.send([bytesOf('a'), bytesOf('bc')]);
    transport.send([bytesOf('d')]);
    expect([socket.sent, transport.backlog]).toEqual([['abc', 'd'], 4]);
  });

  test('sends no message that is longer than a server takes', () => {
    const { socket, transport } = newTransport();
    transport.send([bytesOf('frame'), bytesOf('x'.repeat(262_144)), bytesOf('end')]);
    expect(socket.sent.map(({ length }) => length)).toEqual([262_144, 8]);
    expect(socket.sent.join('')).toBe(`frame${'x'.repeat(262_144)}end`);
  });

  test('tells that the browser has sent something within 20 ms, and does not look where nothing waits', () => {
    const { clock, socket, transport, events } = newTransport();
    transport.send([bytesOf('abcd')]);
    clock.advance(20);
    expect(events).toEqual([]);
    socket.bufferedAmount = 1;
    clock.advance(20);
    expect(events).toEqual(['drain 1']);
    socket.bufferedAmount = 0;
    clock.advance(20);
    expect(events).toEqual(['drain 1', 'drain 0']);
    expect(clock.pending).toBe(0);
  });

  test('looks sooner when something arrives: timers of a page in the background are late', () => {
    const { socket, transport, events, bring } = newTransport();
    transport.send([bytesOf('abcd')]);
    socket.bufferedAmount = 0;
    bring('x');
    expect(events).toEqual(['bytes x', 'drain 0']);
  });

  test('tells of a text message, and of the end', () => {
    const { clock, socket, transport, events } = newTransport();
    transport.send([bytesOf('abcd')]);
    socket.onmessage?.({ data: 'text' });
    socket.onclose?.({ code: 4005, reason: 'expired' });
    expect([events, clock.pending]).toEqual([['text', 'close 4005 expired'], 0]);
  });

  test('closes with a code that a page may say, and a reason that fits', () => {
    const { socket, transport } = newTransport();
    for (const code of [1000, 4004, 1001, 1003]) transport.close(code, 'why');
    transport.close(1000, `${'x'.repeat(118)}é€`);
    expect(socket.closed).toEqual([
      [1000, 'why'],
      [4004, 'why'],
      [4003, 'why'],
      [4003, 'why'],
      [1000, `${'x'.repeat(118)}é€`],
    ]);
    transport.close(1000, 'é'.repeat(70));
    expect(new TextEncoder().encode(String(socket.closed.at(-1)?.[1])).length).toBeLessThanOrEqual(123);
    expect(socket.closed.at(-1)?.[1]).toMatch(/^é+$/);
  });

  test('brings nothing any more once it is cut', () => {
    const { clock, transport, events, bring, socket } = newTransport();
    transport.send([bytesOf('abcd')]);
    transport.terminate();
    bring('late');
    expect([events, clock.pending, socket.closed]).toEqual([[], 0, [[]]]);
  });

  test.each(['close', 'terminate'] as const)('looks no more after %s, though something waits for ever', (end) => {
    const { clock, socket, transport } = newTransport();
    transport.receiver = { ...transport.receiver, onDrain: () => transport[end](1000, '') };
    transport.send([bytesOf('abcd')]);
    socket.bufferedAmount = 1;
    clock.advance(20);
    expect([socket.closed.length, clock.pending]).toEqual([1, 0]);
  });

  test('sends nothing by a WebSocket that is about to close', () => {
    const { socket, transport } = newTransport();
    socket.readyState = 2;
    transport.send([bytesOf('abcd')]);
    expect(socket.sent).toEqual([]);
  });
});
