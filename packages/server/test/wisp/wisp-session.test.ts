import { describe, expect, test } from 'vitest';
import { MemoryBudget, systemMemory, type Transport } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import type { MessageWebSocket } from 'wsproxy-node/transports';
import { WispSession } from '../../src/wisp/wisp-session.js';

/** A WebSocket whose peer reads nothing. */
class Unread implements MessageWebSocket {
  bufferedAmount = 0;
  sent = 0;
  isCut = false;

  send(): void {
    this.sent += 1;
  }

  terminate(): void {
    this.isCut = true;
  }

  on(): void {}
  ping(): void {}
  pause(): void {}
  resume(): void {}
  close(): void {}
}

function begin() {
  const ws = new Unread();
  const transports: Transport[] = [];
  const budget = () => new MemoryBudget(1_048_576);
  const session = new WispSession(ws, {
    clock: new FakeClock(),
    memory: systemMemory,
    processBudgets: { windows: budget(), replay: budget() },
    confirmsOpening: false,
    onTransport: (transport) => void transports.push(transport),
    onPause() {},
    onResume() {},
  });
  return { ws, session, transports };
}

describe('a session of Wisp', () => {
  test('is cut when its client asks for answers without end, and reads none', () => {
    const { ws, session } = begin();
    for (let stream = 1; stream <= 10_000; stream++) session.take({ type: 1, stream, connect: undefined });
    expect([ws.sent, ws.isCut]).toEqual([10_000, false]);
    session.take({ type: 1, stream: 10_001, connect: undefined });
    expect([ws.sent, ws.isCut]).toEqual([10_000, true]);
    session.leave();
  });

  test('gives no more CONTINUE than one on a stream to a client that reads none', () => {
    const { ws, session } = begin();
    session.take({ type: 1, stream: 1, connect: { kind: 'tcp', host: '127.0.0.1', port: 80 } });
    // The last of them are more than an honest client sends, and close the stream.
    for (let packets = 0; packets < 1_000; packets++) session.take({ type: 2, stream: 1, data: new Uint8Array(0) });
    expect(ws.sent).toBe(2);
    session.leave();
  });

  test('has one transport, which ends with the WebSocket', () => {
    const { session, transports } = begin();
    const told: number[] = [];
    const [transport] = transports as [Transport];
    transport.receiver = { onBytes() {}, onDrain() {}, onText() {}, onClose: (code) => void told.push(code) };
    session.leave();
    expect([transports.length, told]).toEqual([1, [1000]]);
  });
});
