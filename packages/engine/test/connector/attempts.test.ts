import { beforeEach, describe, expect, test } from 'vitest';
import { MemoryTransport } from 'wsproxy-engine';
import { settled } from 'wsproxy-test-support/engine/settled';
import { Attempts } from '../../src/connector/attempts.js';
import { ConnectError } from '../../src/connector/connect-error.js';

/** A dial that the test lets succeed or fail. */
interface Attempt {
  readonly signal: AbortSignal;
  succeed(transport: MemoryTransport): void;
  fail(error: unknown): void;
}

let attempts: Attempt[];
let events: string[];
let connecting: Attempts;

beforeEach(() => {
  attempts = [];
  events = [];
  connecting = new Attempts((signal) => new Promise((succeed, fail) => attempts.push({ signal, succeed, fail })));
});

function begin(name: string): Attempt {
  connecting.begin(
    () => events.push(`${name} succeeded`),
    ({ message }) => events.push(`${name} failed: ${message}`),
  );
  const attempt = attempts.at(-1);
  if (attempt === undefined) throw new Error('nothing was dialled');
  return attempt;
}

function transport(): MemoryTransport {
  return MemoryTransport.pair()[0];
}

describe('of several attempts', () => {
  test('the first that succeeds ends the others', async () => {
    const [slow, fast] = [begin('slow'), begin('fast')];
    fast.succeed(transport());
    await settled();
    expect(events).toEqual(['fast succeeded']);
    expect([slow.signal.aborted, fast.signal.aborted]).toEqual([true, false]);
  });

  test('one that succeeds later nevertheless is ended without a word', async () => {
    const [slow, fast] = [begin('slow'), begin('fast')];
    const late = transport();
    fast.succeed(transport());
    slow.succeed(late);
    await settled();
    expect(events).toEqual(['fast succeeded']);
    expect(late.isOpen).toBe(false);
  });

  test('only the failure of the last one is told', async () => {
    const [first, second] = [begin('first'), begin('second')];
    second.fail(new ConnectError('no', false));
    await settled();
    expect(events).toEqual([]);
    first.fail(new ConnectError('nor here', false));
    await settled();
    expect(events).toEqual(['first failed: nor here']);
  });

  test('a failure that trying again cannot cure is told at once, and ends the others', async () => {
    const [first, second] = [begin('first'), begin('second')];
    second.fail(new ConnectError('wrong token', true));
    await settled();
    expect(events).toEqual(['second failed: wrong token']);
    expect(first.signal.aborted).toBe(true);
  });
});

test('an attempt that was ended tells nothing, no matter what becomes of it', async () => {
  const [first, second] = [begin('first'), begin('second')];
  connecting.abort();
  const late = transport();
  first.succeed(late);
  second.fail(new ConnectError('given up', false));
  await settled();
  expect(events).toEqual([]);
  expect(late.isOpen).toBe(false);
  expect([first.signal.aborted, second.signal.aborted]).toEqual([true, true]);
});

test('an error of another kind is told as one that may pass', async () => {
  begin('only').fail(new Error('what?'));
  await settled();
  expect(events).toEqual(['only failed: Error: what?']);
});
