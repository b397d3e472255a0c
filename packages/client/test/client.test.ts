import { describe, expect, test } from 'vitest';
import { createClient } from '../src/client.js';

const TOKEN = 'a-token-for-tests-0123456789-abcdefghij';

describe('the number of connections', () => {
  test.each([1, 16])('may be %d', (connections) => {
    const client = createClient({ url: 'ws://127.0.0.1:1/', token: TOKEN, connections });
    expect(client.state).toBe('idle');
  });

  test.each([0, -1, 17, 1.5, Number.NaN])('may not be %d', (connections) => {
    const options = { url: 'ws://127.0.0.1:1/', token: TOKEN, connections };
    expect(() => createClient(options)).toThrow(/^connections: expected a whole number from 1 to 16, got/);
  });
});

describe('the heartbeat', () => {
  test.each([4_999, 600_001, Number.NaN])('may not be %d', (heartbeat) => {
    const options = { url: 'ws://127.0.0.1:1/', token: TOKEN, heartbeat };
    expect(() => createClient(options)).toThrow(/^heartbeat: expected a whole number from 5000 to 600000 ms, got/);
  });
});

test('a client that was never connected can be closed', async () => {
  const client = createClient({ url: 'ws://127.0.0.1:1/', token: TOKEN });
  await client.close();
  expect([client.state, client.channelCount]).toEqual(['closed', 0]);
});

test('a rule for what goes past the tunnel that is none is a TypeError which names it', () => {
  const options = { url: 'ws://127.0.0.1:1/', token: TOKEN, bypass: ['a.example', 'b:c'] };
  expect(() => createClient(options)).toThrow(/^bypass: not a destination rule: "b:c"; expected/);
});
