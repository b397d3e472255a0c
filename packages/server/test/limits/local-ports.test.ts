import { expect, test } from 'vitest';
import { localPorts } from '../../src/limits/local-ports.js';

test.each([
  ['32768\t60999\n', 28_232],
  ['1024 65535', 64_512],
  ['', 16_384],
  ['nothing', 16_384],
])('where the system says %j there are %d local ports', (range, ports) => {
  expect(localPorts(range)).toBe(ports);
});
