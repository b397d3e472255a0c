import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { SessionPlaces } from '../../src/sessions/session-places.js';

const user = { id: 'ada' };

function places() {
  let taken = 0;
  const accounts = {
    shareSession: async () => {
      taken += 1;
      return undefined;
    },
    endSession: () => {
      taken -= 1;
    },
  };
  return { places: new SessionPlaces(accounts), taken: () => taken };
}

/** One of many on a connection. */
function requestOn(socket: EventEmitter): IncomingMessage {
  return { headers: {}, socket } as unknown as IncomingMessage;
}

test('many requests on one connection leave nothing at it, whether they become a transport or not', async () => {
  const { places: all, taken } = places();
  const socket = new EventEmitter();
  for (let i = 0; i < 20; i += 1) {
    const request = requestOn(socket);
    await all.keep(user, request);
    expect(socket.listenerCount('close')).toBe(1);
    all.take(request)?.release();
  }
  expect(socket.listenerCount('close')).toBe(0);
  expect(taken()).toBe(0);
});

test('a request whose connection closes gives its place back', async () => {
  const { places: all, taken } = places();
  const socket = new EventEmitter();
  await all.keep(user, requestOn(socket));
  expect(taken()).toBe(1);
  socket.emit('close');
  expect(taken()).toBe(0);
});

test('a place that a transport has is not given back with the connection of its request', async () => {
  const { places: all, taken } = places();
  const socket = new EventEmitter();
  const request = requestOn(socket);
  await all.keep(user, request);
  const place = all.take(request);
  socket.emit('close');
  expect(taken()).toBe(1);
  place?.release();
  expect(taken()).toBe(0);
  expect(all.take(request)).toBeUndefined();
});
