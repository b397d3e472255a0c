import { expect, test } from 'vitest';
import { portsToTry } from '../../src/listeners/choose-port.js';

test('of few ports each is tried, no matter where that begins', () => {
  for (const random of [0, 0.5, 0.999]) {
    const ports = [
      ...portsToTry(
        [
          [8_000, 8_002],
          [9_000, 9_000],
        ],
        () => random,
      ),
    ];
    expect(ports.slice().sort()).toEqual([8_000, 8_001, 8_002, 9_000]);
    expect(ports[0]).toBe([8_000, 8_001, 8_002, 9_000][Math.floor(random * 4)]);
  }
});

test('those that no service has for itself are tried first', () => {
  const ports = [...portsToTry([[1_024, 65_535]], () => 0.5)];
  expect(ports).toHaveLength(256);
  expect(ports.slice(0, 128).every((port) => port >= 49_152)).toBe(true);
  expect(ports[128]).toBe(1_024 + Math.floor(64_512 / 2));
});

test('where none is allowed none is tried', () => {
  expect([...portsToTry([])]).toEqual([]);
});
