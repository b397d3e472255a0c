import { describe, expect, test } from 'vitest';
import { CollectingSink } from 'wsproxy-test-support/engine/collecting-sink';
import { data } from 'wsproxy-test-support/engine/frames';
import { encodePlain } from 'wsproxy-test-support/engine/oracle-codec';
import { join, zeros } from '../../src/bytes.js';
import { MemoryTransport } from '../../src/memory-transport.js';
import { Link, type LinkHolder } from '../../src/session/link.js';
import type { Loss } from '../../src/session/session-options.js';

class Holder extends CollectingSink implements LinkHolder {
  readonly events: string[] = [];
  onArrival(): void {
    this.events.push('arrival');
  }
  onDrain(backlog: number): void {
    this.events.push(`drain ${backlog}`);
  }
  onLost({ code, reason }: Loss): void {
    this.events.push(`lost ${code} ${reason}`);
  }
  onViolation({ closeCode }: { closeCode: number }): void {
    this.events.push(`violation ${closeCode}`);
  }
}

function linked(): { link: Link; transport: MemoryTransport; holder: Holder } {
  const [transport] = MemoryTransport.pair();
  const holder = new Holder();
  return { link: new Link(transport, holder), transport, holder };
}

const frame = (payload: string): Uint8Array => encodePlain(data(1, payload));

describe('a link', () => {
  test('tells its holder of everything, and first that something has arrived', () => {
    const { transport, holder } = linked();
    transport.receiver.onBytes(frame('hello'));
    transport.receiver.onDrain();
    transport.receiver.onText();
    transport.receiver.onBytes(Uint8Array.of(0x7f, 0, 0, 0, 0, 0, 0, 0));
    transport.receiver.onClose(1006, 'gone');
    expect(holder.events).toEqual([
      'arrival',
      'drain 0',
      'violation 1003',
      'arrival',
      'violation 4003',
      'lost 1006 gone',
    ]);
    expect(holder.frames).toEqual([data(1, 'hello')]);
  });

  test('hands the rest of what it reads to the next holder, in the midst of a chunk', () => {
    const { link, transport, holder } = linked();
    const next = new Holder();
    const { onData } = holder;
    holder.onData = function (...piece) {
      onData.apply(this, piece);
      link.handTo(next);
    };
    transport.receiver.onBytes(join([frame('first'), frame('second'), frame('third').subarray(0, 9)]));
    transport.receiver.onBytes(frame('third').subarray(9));
    expect(holder.frames).toEqual([data(1, 'first')]);
    expect(next.frames).toEqual([data(1, 'second'), data(1, 'third')]);
    expect(next.events).toEqual(['arrival']);
  });

  test('that was cut brings nothing more, not even the rest of a chunk', () => {
    const { link, transport, holder } = linked();
    const { receiver } = transport;
    const { onData } = holder;
    holder.onData = function (...piece) {
      onData.apply(this, piece);
      link.cut();
    };
    receiver.onBytes(join([frame('first'), frame('second')]));
    transport.receiver.onBytes(frame('third'));
    transport.receiver.onClose(1006, 'gone');
    expect(holder.frames).toEqual([data(1, 'first')]);
    expect(holder.events).toEqual(['arrival']);
  });
});

describe('a link asks its transport to give way', () => {
  /** How often it does while it reads `chunks`. */
  function asked(chunks: readonly Uint8Array[]): number {
    const { transport } = linked();
    let times = 0;
    Object.assign(transport, { giveWay: () => times++ });
    for (const chunk of chunks) transport.receiver.onBytes(chunk);
    return times;
  }

  const ofOneByte = (count: number): Uint8Array => join(Array.from({ length: count }, () => frame('x')));

  test('after each thousand small frames or a little more, however they arrive', () => {
    expect(asked([ofOneByte(900)])).toBe(0);
    expect(asked([ofOneByte(1_200)])).toBe(1);
    const inPairs = Array.from({ length: 5_000 }, () => ofOneByte(2));
    expect(asked(inPairs)).toBeGreaterThanOrEqual(8);
    expect(asked(inPairs)).toBeLessThanOrEqual(10);
  });

  test('not for large ones, nor for small ones among them', () => {
    const large = encodePlain(data(1, zeros(16_384)));
    const chunks = Array.from({ length: 2_000 }, () => join([large, ofOneByte(200)]));
    expect(asked(chunks)).toBe(0);
  });

  test('only if that can', () => {
    const { transport, holder } = linked();
    transport.receiver.onBytes(ofOneByte(3_000));
    expect(holder.frames).toHaveLength(3_000);
  });
});
