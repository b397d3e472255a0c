import { expect, test } from 'vitest';
import { endsAsClosing } from '../../../src/transports/websocket/closing-tail.js';

const SERVERS = [0x88, 0x02, 0x03, 0xe9];
const CLIENTS = [0x88, 0x82, 1, 2, 3, 4, 1 ^ 0x03, 2 ^ 0xe9];

test('sees every beginning of a close frame at the end of a message, of a server and of a client', () => {
  for (const frame of [SERVERS, CLIENTS]) {
    for (let length = 1; length <= frame.length; length++) {
      expect(endsAsClosing(Uint8Array.of(...new Array(100).fill(0), ...frame.slice(0, length)))).toBe(true);
      expect(endsAsClosing(Uint8Array.of(...frame.slice(0, length)))).toBe(true);
    }
  }
});

test('is not in doubt about other messages', () => {
  expect(endsAsClosing(Uint8Array.of())).toBe(false);
  expect(endsAsClosing(Uint8Array.of(0x88, 0x03))).toBe(false);
  expect(endsAsClosing(Uint8Array.of(...CLIENTS, 0))).toBe(false);
});
