import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LeftPorts } from '../../src/limits/left-ports.js';

const WEB = LeftPorts.counterOf('192.0.2.1 443');
const OTHER = LeftPorts.counterOf('192.0.2.1 80');

describe('ports that are left behind', () => {
  test('are counted for each destination', () => {
    const ports = new LeftPorts();
    for (let i = 0; i < 3; i++) ports.add(WEB, 1_000);
    ports.add(OTHER, 1_000);
    expect([ports.count(WEB, 1_000), ports.count(OTHER, 1_000)]).toEqual([3, 1]);
  });

  test('are there for a minute, and for no more than ten seconds beyond it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(90_000), { minLength: 1, maxLength: 60 }), (pauses) => {
        const ports = new LeftPorts();
        const times: number[] = [];
        let now = 5_000_000;
        for (const pause of pauses) {
          now += pause;
          const since = (age: number) => times.filter((time) => now - time < age).length;
          const count = ports.count(WEB, now);
          expect(count).toBeGreaterThanOrEqual(since(60_000));
          expect(count).toBeLessThanOrEqual(since(70_000));
          ports.add(WEB, now);
          times.push(now);
        }
      }),
    );
  });

  test('are counted beyond all that there can be without a mistake', () => {
    const ports = new LeftPorts();
    for (let i = 0; i < 70_000; i++) ports.add(WEB, 0);
    expect(ports.count(WEB, 0)).toBe(65_535);
    expect(ports.count(OTHER, 0)).toBe(0);
  });
});

test('many destinations have counters of their own, nearly evenly', () => {
  const sizes = new Map<number, number>();
  for (let i = 0; i < 25_600; i++) {
    const counter = LeftPorts.counterOf(`10.0.${i >> 8}.${i & 255} 443`);
    sizes.set(counter, (sizes.get(counter) ?? 0) + 1);
  }
  expect(sizes.size).toBe(256);
  expect(Math.max(...sizes.values())).toBeLessThan(200);
});
