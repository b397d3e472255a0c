import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { TunnelError } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { createDial, type DialOptions } from '../../src/dial/dial.js';
import type { EmbedderDialer, EmbedderDialRequest } from '../../src/dial/embedder-dialer.js';
import { createPolicy } from '../../src/dial/policy.js';

const alice = { id: 'alice' };
const target = { host: 'App.Internal.', port: 80 };
const rules = createPolicy({}, { ownAddresses: () => new Set<string>() });

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Dials with a dialer; `connected` are the addresses that the server itself has reached. */
function dialWith(dialer: EmbedderDialer, options: Partial<DialOptions> = {}, ending = new AbortController()) {
  const clock = new FakeClock();
  const connected: string[] = [];
  const dial = createDial({
    clock,
    dialer,
    resolver: { resolve: async () => ['10.0.0.1', '1.1.1.1', '2606:4700::1111'] },
    connect: (address) => {
      connected.push(address);
      const socket = new Socket();
      process.nextTick(() => socket.emit('connect'));
      return socket;
    },
    ...options,
  });
  return { dialled: dial({ target, user: alice, rules, signal: ending.signal }), clock, connected };
}

const failureOf = (dialled: Promise<unknown>) =>
  dialled.then(
    () => 'reached',
    ({ code, message }) => ({ code, message }),
  );

function coded(code: string): Error {
  return Object.assign(new Error('because'), { code });
}

describe('a dialer', () => {
  test('is told what to reach, and for whom', async () => {
    let asked: EmbedderDialRequest | undefined;
    const [inside] = duplexPair();
    const { dialled, connected } = dialWith((request) => {
      asked = request;
      return inside;
    });
    expect(await dialled).toEqual({ socket: inside, address: undefined });
    expect(asked).toMatchObject({ host: 'app.internal', port: 80, user: alice });
    expect(asked?.signal.aborted).toBe(false);
    expect(connected).toEqual([]);
  });

  test('may leave it to the server, which says what it has reached', async () => {
    const { dialled, connected } = dialWith(({ direct }) => direct());
    expect(await dialled).toMatchObject({ address: '1.1.1.1', endpoint: '1.1.1.1 80' });
    expect(connected).toEqual(['1.1.1.1']);
  });

  test('learns only addresses that rules and policy allow', async () => {
    let addresses: readonly string[] = [];
    const { dialled } = dialWith(
      async ({ resolve }) => {
        addresses = await resolve();
        return duplexPair()[0];
      },
      { policy: ({ address }) => address !== '1.1.1.1' },
    );
    await dialled;
    expect(addresses).toEqual(['2606:4700::1111']);
  });

  test('cannot reach by the server what is denied', async () => {
    const resolver = { resolve: async () => ['127.0.0.1'] };
    const { dialled, connected } = dialWith(({ direct }) => direct(), { resolver });
    expect(await failureOf(dialled)).toMatchObject({ code: 'DENIED' });
    expect(connected).toEqual([]);
  });

  test.each<[string, () => Duplex | Promise<Duplex>, string, string]>([
    ['a failure code', () => Promise.reject(coded('DENIED')), 'DENIED', 'because'],
    ['a code of the system', () => Promise.reject(coded('EHOSTUNREACH')), 'HOST_UNREACHABLE', 'because'],
    ['another error', () => Promise.reject(new Error('because')), 'INTERNAL', 'because'],
    ['no error at all', () => Promise.reject('because'), 'INTERNAL', 'because'],
    [
      'an error at once',
      () => {
        throw coded('NAME_NOT_FOUND');
      },
      'NAME_NOT_FOUND',
      'because',
    ],
    ['what is no stream', () => ({}) as Duplex, 'INTERNAL', 'the dialer has returned what is no Duplex'],
    ['a stream that is destroyed', () => duplexPair()[0].destroy(), 'INTERNAL', 'closed before it was connected'],
  ])('that gives %s has failed accordingly', async (_what, dialer, code, message) => {
    expect(await failureOf(dialWith(dialer).dialled)).toEqual({ code, message });
  });

  test('may return a socket that is still connecting, and is told of its failure as such', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { socket } = await dialWith(() => connect(port, '127.0.0.1')).dialled;
    expect([(socket as Socket).connecting, socket.allowHalfOpen]).toEqual([false, true]);
    socket.destroy();
    server.close();
    await once(server, 'close');
    expect(await failureOf(dialWith(() => connect(port, '127.0.0.1')).dialled)).toMatchObject({
      code: 'CONNECTION_REFUSED',
    });
  });

  test('that takes too long has failed, and what it brings later is destroyed', async () => {
    let arrive: (socket: Duplex) => void = () => {};
    let signal: AbortSignal | undefined;
    const { dialled, clock } = dialWith((request) => {
      signal = request.signal;
      return new Promise((resolve) => {
        arrive = resolve;
      });
    });
    const failure = failureOf(dialled);
    await expect.poll(() => signal).toBeDefined();
    clock.advance(10_000);
    expect(await failure).toMatchObject({ code: 'DIAL_TIMEOUT' });
    expect(signal?.aborted).toBe(true);
    const [late] = duplexPair();
    arrive(late);
    await once(late, 'close');
    expect(late.destroyed).toBe(true);
  });

  test('is told when the client gives up', async () => {
    const controller = new AbortController();
    const { dialled } = dialWith(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone')))),
      {},
      controller,
    );
    controller.abort(new TunnelError('CANCELLED'));
    expect(await failureOf(dialled)).toMatchObject({ code: 'CANCELLED' });
  });
});
