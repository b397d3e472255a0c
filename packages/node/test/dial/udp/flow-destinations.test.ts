import { describe, expect, test } from 'vitest';
import { type Destination, FlowDestinations } from '../../../src/dial/udp/flow-destinations.js';

const LIFETIME = 120_000;

function prepare(filter: 'address' | 'port' | 'none' = 'address') {
  const forgotten: string[] = [];
  const destinations = new FlowDestinations(filter, LIFETIME, ({ key }) => forgotten.push(key));
  const add = (host: string, port: number, address: string, now = 0): Destination => {
    const destination = destinations.add({ host, port }, now);
    destinations.pin(destination, address);
    return destination;
  };
  return { destinations, forgotten, add };
}

describe('destinations', () => {
  test('are known by host and port together', () => {
    const { destinations, add } = prepare();
    const one = add('a.example', 1, '192.0.2.1');
    const two = add('a.example', 2, '192.0.2.1');
    for (let i = 0; i < 2; i += 1) {
      expect(destinations.find({ host: 'a.example', port: 1 })).toBe(one);
      expect(destinations.find({ host: 'a.example', port: 2 })).toBe(two);
      expect(destinations.find({ host: 'b.example', port: 1 })).toBeUndefined();
    }
  });

  test('of one place by two names answer by the one that was used last', () => {
    const { destinations, add } = prepare();
    const one = add('one.example', 1, '192.0.2.1');
    expect(destinations.senderAt('192.0.2.1', 1, 0)?.host).toBe('one.example');
    const two = add('two.example', 1, '192.0.2.1');
    expect(destinations.senderAt('192.0.2.1', 1, 0)?.host).toBe('two.example');
    destinations.use(one, 1_000);
    expect(destinations.senderAt('192.0.2.1', 1, 1_000)?.host).toBe('one.example');
    destinations.forget(one);
    expect(destinations.senderAt('192.0.2.1', 1, 1_000)?.host).toBe('192.0.2.1');
    destinations.use(two, 2_000);
    expect(destinations.senderAt('192.0.2.1', 1, 2_000)?.host).toBe('two.example');
  });

  test('that are forgotten, or closed, are asked no more, and nobody there is heard', () => {
    const { destinations, add, forgotten } = prepare();
    const [one, two] = [add('one.example', 1, '192.0.2.1'), add('two.example', 1, '192.0.2.2')];
    for (const address of ['192.0.2.1', '192.0.2.2']) expect(destinations.senderAt(address, 1, 0)).toBeDefined();
    expect(destinations.find(one.peer)).toBe(one);
    destinations.forget(one);
    destinations.unpin(two);
    for (const address of ['192.0.2.1', '192.0.2.2']) expect(destinations.senderAt(address, 1, 0)).toBeUndefined();
    expect(destinations.find(one.peer)).toBeUndefined();
    expect(destinations.find(two.peer)).toBe(two);
    expect(forgotten).toEqual(['one.example 1']);
  });

  test('at one address are heard by all of its ports as long as one of them is known', () => {
    const { destinations, add } = prepare();
    const [one, two] = [add('192.0.2.1', 1, '192.0.2.1'), add('192.0.2.1', 2, '192.0.2.1')];
    const stranger = { host: '192.0.2.1', port: 9 };
    expect(destinations.senderAt('192.0.2.1', 9, 0)).toEqual(stranger);
    destinations.forget(one);
    expect(destinations.senderAt('192.0.2.1', 9, 0)).toEqual(stranger);
    destinations.forget(two);
    expect(destinations.senderAt('192.0.2.1', 9, 0)).toBeUndefined();
  });

  test('are a thousand at most, those that were used last', () => {
    const { destinations, add, forgotten } = prepare();
    const first = add('first.example', 1, '192.0.2.1');
    for (let i = 0; i < 1_023; i += 1) add('many.example', i + 1, '192.0.2.2');
    destinations.use(first, 5_000);
    add('last.example', 1, '192.0.2.3', 5_000);
    expect(destinations.size).toBe(1_024);
    expect(forgotten).toEqual(['many.example 1']);
  });

  test('of a hundred thousand leave nothing behind', () => {
    const { destinations, add, forgotten } = prepare();
    const heap = () => {
      forgotten.length = 0;
      globalThis.gc?.();
      return process.memoryUsage().heapUsed;
    };
    const feed = (from: number, to: number) => {
      for (let i = from; i < to; i += 1)
        add(`n${i}.example`, 1 + (i % 65_535), `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    };
    feed(0, 2_000);
    const before = heap();
    feed(2_000, 102_000);
    expect(heap() - before).toBeLessThan(500_000);
    expect(destinations.size).toBe(1_024);
    destinations.clear();
    expect([destinations.size, [...destinations.pinned()]]).toEqual([0, []]);
  });

  test('are forgotten when they were not used for a time, either way', () => {
    const { destinations, add, forgotten } = prepare('port');
    add('asks.example', 1, '192.0.2.1');
    add('answers.example', 1, '192.0.2.2');
    add('silent.example', 1, '192.0.2.3');
    const asks = destinations.find({ host: 'asks.example', port: 1 });
    if (asks !== undefined) destinations.use(asks, 60_000);
    destinations.senderAt('192.0.2.2', 1, 60_000);
    destinations.tidy(LIFETIME - 1);
    expect(forgotten).toEqual([]);
    destinations.tidy(LIFETIME);
    expect(forgotten).toEqual(['silent.example 1']);
    destinations.tidy(60_000 + LIFETIME);
    expect(destinations.size).toBe(0);
  });
});
