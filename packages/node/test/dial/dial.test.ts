import { getEventListeners, once } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type Target, TunnelError } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { createDial, type DialOptions, type DialTarget } from '../../src/dial/dial.js';
import type { Resolver } from '../../src/dial/names/resolver.js';
import { createPolicy, type EmbedderPolicyRequest, type Policy } from '../../src/dial/policy.js';

const { signal } = new AbortController();
const alice = { id: 'alice' };
const standard = createPolicy({}, { ownAddresses: () => new Set<string>() });

/** A resolver that knows one answer after another, and the names it was asked for. */
function resolverOf(...answers: readonly (readonly string[])[]) {
  const names: string[] = [];
  const resolver: Resolver = {
    async resolve(name) {
      names.push(name);
      return answers[(names.length - 1) % answers.length] ?? [];
    },
  };
  return { resolver, names };
}

/** A dialer whose attempts never reach a network: `connected` lists the addresses it tried. */
function dryDialer(options: Pick<DialOptions, 'resolver'> & Partial<DialOptions>) {
  const connected: string[] = [];
  const sockets: Socket[] = [];
  const clock = new FakeClock();
  const dial = createDial({
    clock,
    connect: (address, port) => {
      connected.push(`${address} ${port}`);
      const socket = new Socket();
      sockets.push(socket);
      process.nextTick(() => socket.emit('connect'));
      return socket;
    },
    ...options,
  });
  return { dial, connected, sockets, clock };
}

function failureOf(dial: DialTarget, target: Target, rules: Policy = standard) {
  return dial({ target, user: alice, rules, signal }).then(
    ({ address }) => `connected to ${address}`,
    (error: { code: string; message: string }) => ({ code: error.code, message: error.message }),
  );
}

describe('a host', () => {
  test.each([
    '127.0.0.1\0.example.com',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '１２７.０.０.１',
    '127。0。0。1',
    'ⓛocalhost',
    'loc\u{ad}alhost',
    '0',
    '',
    'fe80::1%lo',
    'exa mple.com',
    'example.com\r\n',
    `${'a'.repeat(64)}.com`,
  ])('written as %j is refused and never resolved', async (host) => {
    const { resolver, names } = resolverOf(['1.1.1.1']);
    const { dial, connected } = dryDialer({ resolver });
    expect(await failureOf(dial, { host, port: 80 })).toMatchObject({ code: 'BAD_TARGET' });
    expect(names).toEqual([]);
    expect(connected).toEqual([]);
  });

  test.each([
    ['127.0.0.1', 'loopback'],
    ['127.0.0.1.', 'loopback'],
    ['::1', 'loopback'],
    ['[::1]', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['::127.0.0.1', 'translated'],
    ['64:ff9b::7f00:1', 'translated'],
    ['2002:7f00:1::', 'translated'],
    ['0.0.0.0', 'unspecified'],
    ['::', 'unspecified'],
    ['169.254.169.254', 'metadata'],
    ['::ffff:169.254.169.254', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['10.0.0.1', 'private'],
    ['fc00::1', 'private'],
    ['224.0.0.1', 'multicast'],
  ])('written as %s is denied as %s and never dialled', async (host, addressClass) => {
    const { resolver, names } = resolverOf(['1.1.1.1']);
    const { dial, connected } = dryDialer({ resolver });
    const failure = await failureOf(dial, { host, port: 80 });
    expect(failure).toMatchObject({ code: 'DENIED', message: expect.stringContaining(`denied:${addressClass}`) });
    expect(names).toEqual([]);
    expect(connected).toEqual([]);
  });

  test('that is a name is resolved in canonical spelling', async () => {
    const { resolver, names } = resolverOf(['1.1.1.1']);
    const { dial, connected } = dryDialer({ resolver });
    expect(await failureOf(dial, { host: 'EXAMPLE.com.', port: 443 })).toBe('connected to 1.1.1.1');
    expect(names).toEqual(['example.com']);
    expect(connected).toEqual(['1.1.1.1 443']);
  });

  test.each([0, -1, 65_536, 1.5, Number.NaN])('with the port %d is refused', async (port) => {
    const { dial, connected } = dryDialer(resolverOf(['1.1.1.1']));
    expect(await failureOf(dial, { host: '1.1.1.1', port })).toMatchObject({ code: 'BAD_TARGET' });
    expect(connected).toEqual([]);
  });
});

describe('the addresses of a name', () => {
  test.each([
    '127.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    'fd00::1',
    '::ffff:10.0.0.1',
    '0.0.0.0',
    '168.63.129.16',
    'not an address',
  ])('are denied when the only one is %s', async (address) => {
    const { dial, connected } = dryDialer(resolverOf([address]));
    expect(await failureOf(dial, { host: 'evil.example', port: 80 })).toMatchObject({ code: 'DENIED' });
    expect(connected).toEqual([]);
  });

  test('are all named in the denial, each with its rule', async () => {
    const { dial } = dryDialer(resolverOf(['127.0.0.1', '::ffff:10.0.0.1']));
    expect(await failureOf(dial, { host: 'evil.example', port: 80 })).toEqual({
      code: 'DENIED',
      message: 'evil.example:80: 127.0.0.1 denied:loopback, 10.0.0.1 denied:private',
    });
  });

  test('are dialled without those that are denied', async () => {
    const { dial, connected } = dryDialer(resolverOf(['127.0.0.1', '169.254.169.254', '1.1.1.1']));
    expect(await failureOf(dial, { host: 'mixed.example', port: 80 })).toBe('connected to 1.1.1.1');
    expect(connected).toEqual(['1.1.1.1 80']);
  });

  test('are dialled in the spelling that was checked', async () => {
    const { dial, connected } = dryDialer(resolverOf(['::ffff:101:101']));
    expect(await failureOf(dial, { host: 'mapped.example', port: 80 })).toBe('connected to 1.1.1.1');
    expect(connected).toEqual(['1.1.1.1 80']);
  });

  test('are asked for once for each dial, so that a name which changes its mind reaches nothing', async () => {
    const { resolver, names } = resolverOf(['1.1.1.1'], ['127.0.0.1']);
    const { dial, connected } = dryDialer({ resolver });
    for (let round = 0; round < 20; round += 1) await failureOf(dial, { host: 'rebinding.example', port: 80 });
    expect(names).toHaveLength(20);
    expect(connected).toEqual(Array(10).fill('1.1.1.1 80'));
  });
});

describe('the room for local ports', () => {
  const full = (endpoint: string) => ({
    tryAnother() {},
    takeAttempt: () => true,
    releaseAttempt() {},
    hasPort: (one: string) => one !== endpoint,
  });
  const target = { host: 'two.example', port: 80 };

  test('is asked for by address and port, and addresses without any are not dialled', async () => {
    const { dial, connected } = dryDialer(resolverOf(['1.1.1.1', '::ffff:9.9.9.9']));
    const dialed = await dial({ target, user: alice, signal, room: full('1.1.1.1 80') });
    expect(dialed).toMatchObject({ address: '9.9.9.9', endpoint: '9.9.9.9 80' });
    expect(connected).toEqual(['9.9.9.9 80']);
  });

  test('that there is nowhere is LIMIT_REACHED, and nothing is dialled', async () => {
    const { dial, connected } = dryDialer(resolverOf(['1.1.1.1']));
    const dialed = dial({ target, user: alice, signal, room: full('1.1.1.1 80') });
    await expect(dialed).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
    expect(connected).toEqual([]);
  });

  test('is one for all destinations where a proxy is on the way', async () => {
    const upstream = async () => new Socket();
    const { dial } = dryDialer({ ...resolverOf(['1.1.1.1'], ['9.9.9.9']), upstream });
    const tasks = [1, 2].map(() => dial({ target, user: alice, signal }));
    const [first, second] = await Promise.all(tasks);
    expect(first?.address).not.toBe(second?.address);
    expect(first?.endpoint).toBe(second?.endpoint);
    const refused = dial({ target, user: alice, signal, room: full(first?.endpoint ?? '') });
    await expect(refused).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
  });
});

describe('without rules', () => {
  test.each(['127.0.0.1', '10.0.0.1', 'fd00::1'])('a name may lead to %s, as for any program here', async (address) => {
    const { dial } = dryDialer(resolverOf([address]));
    const dialed = await dial({ target: { host: 'nas.local', port: 80 }, user: alice, signal });
    expect(dialed.address).toBe(address);
  });

  test('what only looks like an address is no target either', async () => {
    const { dial, connected } = dryDialer(resolverOf(['127.0.0.1']));
    const dialed = dial({ target: { host: '127.1', port: 80 }, user: alice, signal });
    await expect(dialed).rejects.toMatchObject({ code: 'BAD_TARGET' });
    expect(connected).toEqual([]);
  });
});

describe('a service', () => {
  test('is given to a user in place of a destination, by its canonical host, and nothing is dialled', async () => {
    const service = new Socket();
    const { resolver, names } = resolverOf(['1.1.1.1']);
    const asked: string[] = [];
    const serve = ({ id }: { id: string }) => {
      asked.push(id);
      return service;
    };
    const { dial, connected } = dryDialer({ resolver, services: new Map([['a.service.invalid', serve]]) });
    const target = { host: 'A.Service.invalid.', port: 1 };
    expect(await dial({ target, user: alice, rules: standard, signal })).toEqual({
      socket: service,
      address: undefined,
    });
    expect([names, connected, asked]).toEqual([[], [], [alice.id]]);
  });
});

describe('a policy', () => {
  const host = 'Mixed.Example';
  const addresses = ['127.0.0.1', '1.1.1.1', '::ffff:808:808'];

  test('is asked about each address that the rules allow, for whom and by which name', async () => {
    const asked: EmbedderPolicyRequest[] = [];
    const policy = (request: EmbedderPolicyRequest) => asked.push(request) > 0;
    const { dial } = dryDialer({ ...resolverOf(addresses), policy });
    expect(await failureOf(dial, { host, port: 443 })).toBe('connected to 1.1.1.1');
    expect(asked).toEqual([
      { user: alice, host: 'mixed.example', address: '1.1.1.1', port: 443, protocol: 'tcp' },
      { user: alice, host: 'mixed.example', address: '8.8.8.8', port: 443, protocol: 'tcp' },
    ]);
  });

  test('may take its time, and only what it lets through is dialled', async () => {
    const policy = async ({ address }: EmbedderPolicyRequest) => address === '8.8.8.8';
    const { dial, connected } = dryDialer({ ...resolverOf(addresses), policy });
    expect(await failureOf(dial, { host, port: 443 })).toBe('connected to 8.8.8.8');
    expect(connected).toEqual(['8.8.8.8 443']);
  });

  test.each([false, undefined, 1, 'yes'])('that answers %j denies', async (answer) => {
    const { dial, connected } = dryDialer({ ...resolverOf(addresses), policy: () => answer as boolean });
    expect(await failureOf(dial, { host, port: 443 })).toEqual({
      code: 'DENIED',
      message: 'mixed.example:443: 1.1.1.1 denied:policy, 8.8.8.8 denied:policy',
    });
    expect(connected).toEqual([]);
  });

  test('that fails lets nothing through', async () => {
    const policy = () => Promise.reject(new Error('the database is away'));
    const { dial, connected } = dryDialer({ ...resolverOf(addresses), policy });
    expect(await failureOf(dial, { host, port: 443 })).toMatchObject({ code: 'INTERNAL' });
    expect(connected).toEqual([]);
  });
});

describe('a failure', () => {
  test('of the lookup is passed on', async () => {
    const failure = new TunnelError('NAME_NOT_FOUND', 'no such name');
    const { dial, clock } = dryDialer({ resolver: { resolve: () => Promise.reject(failure) } });
    await expect(
      dial({ target: { host: 'example.com', port: 80 }, user: alice, rules: standard, signal }),
    ).rejects.toBe(failure);
    expect(clock.pending).toBe(0);
  });

  test('that nobody foresaw is INTERNAL, and nothing is dialled', async () => {
    const policy = {
      check() {
        throw new Error('cannot read the interfaces');
      },
    };
    const { dial, connected } = dryDialer(resolverOf(['1.1.1.1']));
    expect(await failureOf(dial, { host: 'example.com', port: 80 }, policy)).toMatchObject({ code: 'INTERNAL' });
    expect(connected).toEqual([]);
  });
});

/** An attempt that nobody answers, and whether it was made. */
function hangingConnect() {
  const hanging = new Socket();
  let isTried = false;
  const connect = () => {
    isTried = true;
    return hanging;
  };
  return { connect, hanging, isTried: () => isTried };
}

describe('the deadline of 10 s', () => {
  test('ends attempts that nobody answers', async () => {
    const { connect, hanging, isTried } = hangingConnect();
    const { dial, clock } = dryDialer({ ...resolverOf([]), connect });
    const failure = failureOf(dial, { host: '1.1.1.1', port: 80 });
    await expect.poll(isTried).toBe(true);
    clock.advance(9_999);
    expect(hanging.destroyed).toBe(false);
    clock.advance(1);
    expect(await failure).toMatchObject({ code: 'DIAL_TIMEOUT' });
    expect(hanging.destroyed).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('counts the lookup', async () => {
    const hanging = new Socket();
    let answer: (addresses: string[]) => void = () => {};
    const resolver = { resolve: () => new Promise<string[]>((resolve) => (answer = resolve)) };
    let attempts = 0;
    const { dial, clock } = dryDialer({
      resolver,
      connect: () => {
        attempts += 1;
        return hanging;
      },
    });
    const failure = failureOf(dial, { host: 'slow.example', port: 80 });
    clock.advance(4_000);
    answer(['1.1.1.1']);
    await expect.poll(() => attempts).toBe(1);
    clock.advance(6_000);
    expect(await failure).toMatchObject({ code: 'DIAL_TIMEOUT' });
    expect(hanging.destroyed).toBe(true);
  });
});

describe('an abort', () => {
  const task = (target: Target, ending: AbortController) => ({
    target,
    user: alice,
    rules: standard,
    signal: ending.signal,
  });

  test('during the lookup reaches the resolver and is CANCELLED', async () => {
    const controller = new AbortController();
    const resolver: Resolver = {
      resolve: (_, lookupSignal) =>
        new Promise((_resolve, reject) => {
          lookupSignal.addEventListener('abort', () => reject(lookupSignal.reason));
        }),
    };
    const { dial, clock, connected } = dryDialer({ resolver });
    const result = dial(task({ host: 'slow.example', port: 80 }, controller));
    controller.abort(new TunnelError('CANCELLED'));
    await expect(result).rejects.toMatchObject({ name: 'TunnelError', code: 'CANCELLED' });
    expect(connected).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('during the attempts destroys them at once and is CANCELLED', async () => {
    const controller = new AbortController();
    const { connect, hanging, isTried } = hangingConnect();
    const { dial, clock } = dryDialer({ ...resolverOf([]), connect });
    const result = dial(task({ host: '1.1.1.1', port: 80 }, controller));
    await expect.poll(isTried).toBe(true);
    controller.abort(new TunnelError('CANCELLED'));
    expect(hanging.destroyed).toBe(true);
    await expect(result).rejects.toMatchObject({ name: 'TunnelError', code: 'CANCELLED' });
    expect(clock.pending).toBe(0);
  });

  test('after the end leaves the connection alone', async () => {
    const controller = new AbortController();
    const { dial } = dryDialer(resolverOf([]));
    const { socket } = await dial(task({ host: '1.1.1.1', port: 80 }, controller));
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    controller.abort(new TunnelError('CANCELLED'));
    expect(socket.destroyed).toBe(false);
  });

  test('that came before dials nothing', async () => {
    const { dial, connected } = dryDialer(resolverOf([]));
    const controller = new AbortController();
    controller.abort(new TunnelError('CANCELLED'));
    const result = dial(task({ host: '1.1.1.1', port: 80 }, controller));
    await expect(result).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(connected).toEqual([]);
  });
});

describe('a real connection', () => {
  const cleanups: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
  });

  const dial = createDial({ resolver: { resolve: async () => ['::1', '127.0.0.1'] } });
  const everywhere = createPolicy({ allowPrivate: true });

  async function listen(host: string, onConnection: (socket: Socket) => void = () => {}) {
    const accepted: Socket[] = [];
    const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
      accepted.push(socket);
      socket.on('error', () => {});
      cleanups.push(async () => socket.destroy());
      onConnection(socket);
    });
    server.listen(0, host);
    await once(server, 'listening');
    cleanups.push(async () => {
      server.close();
    });
    const firstAccepted = async () => {
      await expect.poll(() => accepted.length).toBe(1);
      return accepted[0] as Socket;
    };
    return { port: (server.address() as AddressInfo).port, firstAccepted };
  }

  async function dialTo(target: Target) {
    const dialed = await dial({ target, user: alice, rules: everywhere, signal });
    cleanups.push(async () => dialed.socket.destroy());
    return dialed;
  }

  test.each(['127.0.0.1', '::1'])('reaches %s', async (host) => {
    const { port } = await listen(host, (socket) => socket.pipe(socket));
    const { socket, address } = await dialTo({ host, port });
    expect(address).toBe(host);
    socket.end('hello');
    const chunks = await socket.toArray();
    expect(Buffer.concat(chunks).toString()).toBe('hello');
  });

  test('H13 falls back to the other family', async () => {
    const { port } = await listen('127.0.0.1', (socket) => socket.pipe(socket));
    const { address } = await dialTo({ host: 'localhost', port });
    expect(address).toBe('127.0.0.1');
  });

  test('that is refused is CONNECTION_REFUSED', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    await expect(dialTo({ host: '127.0.0.1', port })).rejects.toMatchObject({
      name: 'TunnelError',
      code: 'CONNECTION_REFUSED',
    });
  });

  test('comes paused, without anybody listening to its data', async () => {
    const { port } = await listen('127.0.0.1', (socket) => socket.write('early'));
    const { socket } = await dialTo({ host: '127.0.0.1', port });
    expect(socket.isPaused()).toBe(true);
    expect(socket.listenerCount('data')).toBe(0);
    expect(socket.listenerCount('readable')).toBe(0);
    socket.resume();
    expect(String(await once(socket, 'data').then(([chunk]) => chunk))).toBe('early');
  });

  test('keeps its half open after the destination has ended', async () => {
    const { port, firstAccepted } = await listen('127.0.0.1', (socket) => socket.end('bye'));
    const { socket } = await dialTo({ host: '127.0.0.1', port });
    const ended = once(socket, 'end');
    socket.resume();
    await ended;
    socket.end('late');
    const chunks = await (await firstAccepted()).toArray();
    expect(Buffer.concat(chunks).toString()).toBe('late');
  });

  test('survives an error that comes before anybody listens', async () => {
    const { port, firstAccepted } = await listen('127.0.0.1');
    const { socket } = await dialTo({ host: '127.0.0.1', port });
    (await firstAccepted()).resetAndDestroy();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    await closed;
    expect(socket.destroyed).toBe(true);
  });

  // On Node 20 and 22 a reset behind unread data arrives as a clean 'end', and only getpeername(2) tells.
  test.each([
    ['a reset', (socket: Socket) => socket.write('partial', () => socket.resetAndDestroy()), true],
    ['an end', (socket: Socket) => socket.end('whole'), false],
  ])('lets %s be told by an address that was never read', async (_, finish, isReset) => {
    const { port, firstAccepted } = await listen('127.0.0.1');
    const { socket } = await dialTo({ host: '127.0.0.1', port });
    const destination = await firstAccepted();
    const finished = once(destination, 'finish');
    const closed = once(destination, 'close');
    finish(destination);
    await (isReset ? closed : finished);

    const outcome = new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(true));
      socket.once('end', () => resolve(socket.remoteAddress === undefined));
    });
    socket.resume();
    expect(await outcome).toBe(isReset);
  });
});
