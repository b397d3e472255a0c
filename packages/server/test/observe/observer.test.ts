import { expect, test } from 'vitest';
import { Observers } from '../../src/observe/observer.js';

test('observers hear of everything, no matter what another one throws, and that is told', () => {
  const [errors, heard]: [unknown[], string[]] = [[], []];
  const observers = new Observers((error) => errors.push(error));
  const failure = new Error('full disk');
  observers.add({
    onLimit() {
      throw failure;
    },
  });
  observers.add({ onLimit: (limit) => heard.push(limit) });
  observers.onLimit('channels');
  observers.onRefusedRequest(401);
  expect([errors, heard]).toEqual([[failure], ['channels']]);
});
