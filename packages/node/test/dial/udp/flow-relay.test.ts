import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { udpDestination as destination } from 'wsproxy-test-support/destinations/udp-destination';
import { createPolicy } from '../../../src/dial/policy.js';
import { LOCAL, resolverOf, serve } from './udp-fixture.js';

const STRICT = createPolicy({});

describe('a flow for any peer', () => {
  test('carries datagrams both ways, from one port to all peers', async () => {
    const [one, two] = [await destination(), await destination()];
    const { flow, relay } = serve();
    flow.say('a', one.peer);
    flow.say('b', two.peer);
    await flow.until(2);
    expect(flow.received.toSorted()).toEqual([
      `echo: a from 127.0.0.1 ${one.peer.port}`,
      `echo: b from 127.0.0.1 ${two.peer.port}`,
    ]);
    expect(one.heard[0]?.split(' ').at(-1)).toBe(two.heard[0]?.split(' ').at(-1));
    expect(relay.counts).toMatchObject({
      datagramsUp: 2,
      datagramsDown: 2,
      bytesUp: 2,
      bytesDown: 14,
      destinations: 2,
    });
  });

  test('mixes families, each with a socket of its own', async () => {
    const [four, six] = [await destination(), await destination({ host: '::1' })];
    const { flow, room } = serve();
    flow.say('4', four.peer);
    flow.say('6', six.peer);
    await flow.until(2);
    expect(flow.received).toContain(`echo: 6 from ::1 ${six.peer.port}`);
    expect(room.sockets).toBe(2);
    flow.close();
    expect(room.sockets).toBe(0);
  });

  test.each([0, 1, 1_472, 65_507 - 6])('carries %i bytes unchanged', async (size) => {
    const { peer } = await destination();
    const { flow } = serve();
    const data = Buffer.alloc(size, 'x');
    flow.say(data, peer);
    await flow.until(1);
    expect(Buffer.from(flow.bytes[0] ?? []).equals(Buffer.concat([Buffer.from('echo: '), data]))).toBe(true);
  });

  test('drops, and counts, what no datagram of UDP can hold', async () => {
    const { peer } = await destination();
    const { flow, relay } = serve();
    flow.say(Buffer.alloc(65_508), peer);
    flow.say('after', peer);
    await flow.until(1);
    expect(relay.counts.dropped.unsent).toBe(1);
  });

  test('names the sender as the application named it, and by its address if that was not sent to by a name', async () => {
    const [named, other] = [await destination(), await destination()];
    const { flow } = serve({ resolver: resolverOf({ 'echo.example': [['127.0.0.1']] }) });
    flow.say('a', { host: 'echo.example', port: named.peer.port });
    await flow.until(1);
    flow.say('b', other.peer);
    await flow.until(2);
    expect(flow.received).toEqual([
      `echo: a from echo.example ${named.peer.port}`,
      `echo: b from 127.0.0.1 ${other.peer.port}`,
    ]);
  });

  test.each([
    ['address', ['echo: a from 127.0.0.1', 'other port from 127.0.0.1']],
    ['port', ['echo: a from 127.0.0.1']],
    ['none', ['echo: a from 127.0.0.1', 'other port from 127.0.0.1', 'other address from 127.0.0.2']],
  ] as const)('with the filter %s takes answers from %j', async (filter, expected) => {
    const [asked, otherPort, otherAddress] = [
      await destination(),
      await destination({ isSilent: true }),
      await destination({ host: '127.0.0.2', isSilent: true }),
    ];
    const { flow, relay, room } = serve({ filter });
    flow.say('a', asked.peer);
    await flow.until(1);
    const port = Number((await asked.until(1))[0]?.split(' ').at(-1));
    otherPort.socket.send('other port', port, '127.0.0.1');
    otherAddress.socket.send('other address', port, '127.0.0.1');
    while (room.received < 3) await turn();
    expect(flow.received.map((each) => each.replace(/ \d+$/, ''))).toEqual(expected);
    expect(relay.counts.dropped.unasked).toBe(3 - expected.length);
  });

  test('has no destinations but those that were asked for: a name that is none, and no address', async () => {
    const { flow, relay, failures } = serve();
    for (const host of [
      '127.1',
      '0x7f.1',
      'UPPER.example',
      '127.0.0.1\0.example',
      '',
      'fe80::1%lo',
      '::FFFF:127.0.0.1',
    ])
      flow.say('a', { host, port: 9 });
    await turn();
    expect(relay.counts.datagramsUp).toBe(0);
    expect(relay.counts.dropped.denied).toBe(7);
    expect(failures).toHaveLength(7);
  });
});

describe('a flow for one peer', () => {
  test('names nobody, and lets nobody else in', async () => {
    const { peer, until } = await destination();
    const stranger = await destination({ isSilent: true });
    const { flow, relay } = serve({ filter: 'none' }, peer);
    expect(await relay.reach()).toBe('127.0.0.1');
    flow.say('a');
    await flow.until(1);
    const port = Number((await until(1))[0]?.split(' ').at(-1));
    stranger.socket.send('stranger', port, '127.0.0.1');
    flow.say('b');
    await flow.until(2);
    expect(flow.received).toEqual(['echo: a from undefined undefined', 'echo: b from undefined undefined']);
  });

  test('is reached by its name, and what was said before waits', async () => {
    const { peer, until } = await destination();
    const resolver = resolverOf({ 'echo.example': [['127.0.0.1']] });
    const { flow, relay } = serve({ resolver }, { host: 'echo.example', port: peer.port });
    flow.say('early');
    expect(await relay.reach()).toBe('127.0.0.1');
    expect((await until(1))[0]).toMatch(/^early from /);
    expect(resolver.asked).toEqual(['echo.example']);
  });

  test.each([
    [{ host: '127.0.0.1', port: 9 }, 'DENIED'],
    [{ host: 'inside.example', port: 9 }, 'DENIED'],
    [{ host: '224.0.0.1', port: 9 }, 'DENIED'],
    [{ host: 'no.example', port: 9 }, 'INTERNAL'],
    [{ host: '2130706433', port: 9 }, 'BAD_TARGET'],
  ])('that may not be reached, %j, is told so: %s', async (target, code) => {
    const resolver = resolverOf({ 'inside.example': [['10.0.0.1', '::1']] });
    const { flow, relay, room } = serve({ resolver }, target, STRICT);
    await expect(relay.reach()).rejects.toMatchObject({ code });
    flow.say('a');
    await turn();
    expect(relay.counts).toMatchObject({ datagramsUp: 0, dropped: { denied: 1 } });
    expect(room.sockets).toBe(0);
  });

  test('ends when its peer refuses, unless that has ever answered', async () => {
    const { peer, socket } = await destination();
    const served = serve({}, peer);
    served.flow.say('a');
    await served.flow.until(1);
    socket.close();
    await once(socket, 'close');
    served.flow.say('b');
    const other = serve({}, peer);
    other.flow.say('a');
    while (other.flow.failure === undefined) await turn();
    expect(other.flow.failure).toBe('CONNECTION_REFUSED');
    for (let i = 0; i < 20; i += 1) {
      served.flow.say('c');
      await turn();
    }
    expect(served.flow.failure).toBeUndefined();
  });

  test('without a place for its socket is told so', async () => {
    const served = serve({}, { host: '127.0.0.1', port: 9 });
    served.room.maxSockets = 0;
    await expect(served.relay.reach()).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
    expect(served.room.sockets).toBe(0);
  });
});

describe('a name', () => {
  const NAME = 'moving.example';

  test('is resolved once, for all ports, and leads to one place while it is used', async () => {
    const [one, two, trap] = [await destination(), await destination(), await destination({ host: '127.0.0.3' })];
    const resolver = resolverOf({ [NAME]: [['127.0.0.1'], ['127.0.0.3']] });
    const { flow, clock } = serve({ resolver });
    for (let round = 0; round < 3; round += 1) {
      flow.say('a', { host: NAME, port: one.peer.port });
      flow.say('b', { host: NAME, port: two.peer.port });
      await flow.until(2 * round + 2);
      clock.advance(60_000);
    }
    expect(resolver.asked).toEqual([NAME]);
    expect(trap.heard).toEqual([]);
    clock.advance(119_000);
    flow.say('c', { host: NAME, port: trap.peer.port });
    expect((await trap.until(1))[0]).toMatch(/^c from/);
    expect(resolver.asked).toEqual([NAME, NAME]);
  });

  test('that comes to lead inside is judged like any other address', async () => {
    const canary = await destination({ host: '127.0.0.3' });
    const deny = createPolicy({ allowPrivate: true, deny: ['127.0.0.3'] });
    const resolver = resolverOf({ [NAME]: [['127.0.0.1'], ['127.0.0.3']] });
    const { flow, clock, relay, failures } = serve({ resolver }, undefined, deny);
    const asked = { host: NAME, port: canary.peer.port };
    flow.say('a', asked);
    await turn();
    clock.advance(100_000);
    flow.say('keeps the flow', { host: '127.0.0.1', port: 9 });
    clock.advance(100_000);
    flow.say('b', asked);
    while (failures.length === 0) await turn();
    expect(resolver.asked).toHaveLength(2);
    expect(failures[0]).toContain('DENIED moving.example');
    expect(relay.counts.dropped.denied).toBe(1);
    expect(canary.heard).toEqual([]);
  });

  test('that is not found is asked for again some seconds later, not for each datagram', async () => {
    const resolver = resolverOf({});
    const { flow, clock, relay } = serve({ resolver });
    for (let i = 0; i < 5; i += 1) {
      flow.say('a', { host: NAME, port: 53 });
      await turn();
    }
    expect(resolver.asked).toHaveLength(1);
    expect(relay.counts.dropped.denied).toBe(5);
    clock.advance(5_000);
    flow.say('a', { host: NAME, port: 53 });
    await turn();
    expect(resolver.asked).toHaveLength(2);
  });

  test('makes a few datagrams wait: the first of any size, then 16 or 16 KiB', async () => {
    let resolve: (addresses: readonly string[]) => void = () => {};
    const promise = new Promise<readonly string[]>((settle) => (resolve = settle));
    const { peer, until } = await destination({ isSilent: true });
    const { flow, relay, room } = serve({ resolver: { resolve: () => promise } });
    const [large, small] = [
      { host: 'large.example', port: peer.port },
      { host: 'small.example', port: peer.port },
    ];
    flow.say(Buffer.alloc(40_000, 'L'), large);
    flow.say('too much', large);
    for (let i = 0; i < 20; i += 1) flow.say(`${i}`, small);
    expect(relay.counts.dropped.waiting).toBe(5);
    expect(room.reserved).toBe(40_000 + 10 + 12);
    resolve(['127.0.0.1']);
    const heard = (await until(17)).map((each) => each.replace(/ from \d+$/, ''));
    expect(heard[0]).toBe('L'.repeat(40_000));
    expect(heard.slice(1)).toEqual(Array.from({ length: 16 }, (_, i) => `${i}`));
    expect(room.reserved).toBe(0);
  });

  test('that is still looked up when the flow ends holds nothing', async () => {
    let isAborted = false;
    const resolver = {
      resolve: (_name: string, signal: AbortSignal) => {
        signal.addEventListener('abort', () => (isAborted = true));
        return new Promise<never>(() => {});
      },
    };
    const { flow, room } = serve({ resolver });
    flow.say('a', { host: NAME, port: 53 });
    expect(room.reserved).toBe(1);
    flow.close();
    expect(room.reserved).toBe(0);
    expect(isAborted).toBe(true);
  });
});

describe('the policy', () => {
  test('judges every destination: nothing leaves for one that is denied', async () => {
    const canary = await destination();
    const { flow, relay, failures, room } = serve({}, undefined, STRICT);
    const hosts = [
      '127.0.0.1',
      '10.0.0.1',
      '169.254.169.254',
      '224.0.0.251',
      '255.255.255.255',
      '0.0.0.0',
      '::1',
      'ff02::1',
    ];
    for (const host of hosts) flow.say('a', { host, port: canary.peer.port });
    await turn();
    expect(relay.counts).toMatchObject({ datagramsUp: 0, dropped: { denied: hosts.length } });
    expect(failures[0]).toBe(
      `127.0.0.1 ${canary.peer.port}: DENIED 127.0.0.1:${canary.peer.port}: 127.0.0.1 denied:loopback`,
    );
    expect(canary.heard).toEqual([]);
    expect(room.sockets).toBe(0);
  });

  test('judges by the rules for UDP', async () => {
    const { peer } = await destination();
    const rules = createPolicy({ allow: [`127.0.0.1:${peer.port}/udp`, `127.0.0.1:${peer.port + 1}/tcp`] });
    const { flow, relay } = serve({}, undefined, rules);
    flow.say('a', peer);
    flow.say('b', { host: '127.0.0.1', port: peer.port + 1 });
    await flow.until(1);
    expect(relay.counts).toMatchObject({ datagramsUp: 1, dropped: { denied: 1 } });
  });

  test('broadcast is refused by the system even where a rule opens it', async () => {
    const rules = createPolicy({ allow: ['255.255.255.255'] });
    const { flow, relay } = serve({}, undefined, rules);
    flow.say('a', { host: '255.255.255.255', port: 9 });
    while (relay.counts.dropped.unsent === 0) await turn();
  });

  test('judges anew once the rules are others: before the next datagram', async () => {
    const { peer, heard } = await destination();
    const served = serve();
    served.flow.say('a', peer);
    await served.flow.until(1);
    served.rules = STRICT;
    served.flow.say('b', peer);
    await turn();
    expect(heard).toHaveLength(1);
    expect(served.relay.counts.dropped.denied).toBe(1);
    served.rules = LOCAL;
    served.clock.advance(5_000);
    served.flow.say('c', peer);
    await served.flow.until(2);
    expect(heard).toHaveLength(2);
  });

  test('judges each datagram by rules that are others every time', async () => {
    const { peer } = await destination();
    const served = serve();
    Object.defineProperty(served, 'rules', { get: () => createPolicy({ allowPrivate: true }) });
    served.flow.say('a', peer);
    served.flow.say('b', peer);
    await served.flow.until(2);
  });

  test('judges anew what only answers within a second', async () => {
    const { peer, socket, until } = await destination();
    const served = serve();
    served.flow.say('a', peer);
    await served.flow.until(1);
    const port = Number((await until(1))[0]?.split(' ').at(-1));
    served.rules = STRICT;
    served.clock.advance(1_000);
    socket.send('b', port, '127.0.0.1');
    while (served.relay.counts.dropped.unasked === 0) await turn();
    expect(served.flow.received).toHaveLength(1);
  });

  test('that deny the one peer of a flow end it, so that its socket serves no other address of the name', async () => {
    const { peer, heard } = await destination();
    const resolver = resolverOf({ 'a.example': [['127.0.0.1'], ['127.0.0.2']] });
    const served = serve({ resolver }, { host: 'a.example', port: peer.port });
    await served.relay.reach();
    served.flow.say('a');
    await served.flow.until(1);
    served.rules = createPolicy({ allowPrivate: true, deny: ['127.0.0.1'] });
    served.flow.say('b');
    served.clock.advance(0);
    expect(served.flow.failure).toBe('DENIED');
    expect(served.room.sockets).toBe(0);
    expect(heard).toHaveLength(1);
  });

  test('of an embedding program is asked about each address, and datagrams wait for it', async () => {
    const { peer } = await destination();
    const asked: unknown[] = [];
    const policy = async (request: object) => {
      asked.push(request);
      await turn();
      return true;
    };
    const { flow } = serve({ policy, resolver: resolverOf({ 'a.example': [['127.0.0.1', '127.0.0.2']] }) });
    flow.say('a', { host: 'a.example', port: peer.port });
    flow.say('b', { host: 'a.example', port: peer.port });
    await flow.until(2);
    const common = { user: { id: 'alice' }, host: 'a.example', port: peer.port, protocol: 'udp' };
    expect(asked).toEqual(['127.0.0.1', '127.0.0.2'].map((address) => ({ ...common, address })));
  });
});

describe('bounds', () => {
  test('datagrams for more new destinations than may be are dropped', async () => {
    const { peer } = await destination();
    const { flow, relay, room } = serve();
    room.maxDestinations = 1;
    flow.say('a', peer);
    flow.say('b', { host: '127.0.0.1', port: 9 });
    flow.say('c', peer);
    await flow.until(2);
    expect(relay.counts.dropped.destinations).toBe(1);
  });

  test('what is over the rate is dropped, either way', async () => {
    const { peer, until } = await destination();
    const { flow, relay, room } = serve();
    flow.say('a', peer);
    room.isOverRate = true;
    await until(1);
    while (room.received === 0) await turn();
    flow.say('b', peer);
    expect(relay.counts.dropped.rate).toBe(2);
    expect(flow.received).toEqual([]);
  });

  test('twenty thousand destinations take no more memory than some thousand', async () => {
    const served = serve({}, undefined, createPolicy({ allowPrivate: true, deny: ['127.1.0.0/16'] }));
    const { flow, relay, room } = served;
    const say = (i: number) =>
      flow.say('a', { host: `127.${1 + (i & 1)}.${(i >> 8) & 255}.${i & 255}`, port: 1 + (i % 50_000) });
    const heap = () => {
      served.failures.length = 0;
      globalThis.gc?.();
      return process.memoryUsage().heapUsed;
    };
    for (let i = 0; i < 4_000; i += 1) say(i);
    await turn();
    const before = heap();
    for (let i = 0; i < 20_000; i += 1) {
      say(i);
      if (i % 1_000 === 0) await turn();
    }
    await turn();
    expect(heap() - before).toBeLessThan(1_000_000);
    expect(room.sockets).toBe(1);
    expect(relay.counts.destinations).toBeGreaterThan(20_000);
  });
});

describe('silence', () => {
  const DNS = { host: '127.0.0.1', port: 53 };

  test('ends a flow after two minutes', async () => {
    const { flow, clock } = serve();
    flow.say('a', { host: '127.0.0.1', port: 9 });
    clock.advance(119_000);
    expect(flow.failure).toBeUndefined();
    clock.advance(1_000);
    expect(flow.failure).toBe('TIMED_OUT');
    expect(clock.pending).toBe(0);
  });

  test('ends one that has asked nobody but nameservers after ten seconds', () => {
    const [dns, both] = [serve(), serve()];
    for (const { flow } of [dns, both]) flow.say('a', DNS);
    both.flow.say('a', { host: '127.0.0.1', port: 9 });
    for (const { clock } of [dns, both]) clock.advance(10_000);
    expect(dns.flow.failure).toBe('TIMED_OUT');
    expect(both.flow.failure).toBeUndefined();
  });

  test('is over with a datagram in either direction', async () => {
    const { peer, socket, until } = await destination();
    const { flow, clock } = serve({}, peer);
    flow.say('a');
    await flow.until(1);
    const port = Number((await until(1))[0]?.split(' ').at(-1));
    clock.advance(100_000);
    socket.send('b', port, '127.0.0.1');
    await flow.until(2);
    clock.advance(100_000);
    flow.say('c');
    await flow.until(3);
    clock.advance(119_000);
    expect(flow.failure).toBeUndefined();
  });

  test('of a client that is away does not count', () => {
    const served = serve();
    served.flow.say('a', { host: '127.0.0.1', port: 9 });
    served.clock.advance(100_000);
    served.isAway = true;
    served.clock.advance(600_000);
    expect(served.flow.failure).toBeUndefined();
    served.isAway = false;
    served.clock.advance(120_000);
    expect(served.flow.failure).toBe('TIMED_OUT');
  });

  test('lasts as long as it is told', () => {
    const { flow, clock } = serve({ idleTime: 5_000 });
    flow.say('a', DNS);
    clock.advance(5_000);
    expect(flow.failure).toBe('TIMED_OUT');
  });

  test('is not broken by what is denied, or was not asked for', () => {
    const { flow, clock } = serve({}, undefined, STRICT);
    clock.advance(100_000);
    flow.say('a', DNS);
    clock.advance(20_000);
    expect(flow.failure).toBe('TIMED_OUT');
  });
});

describe('addresses to send from', () => {
  test('are those that were given, and a family without one is not reached', async () => {
    const four = await destination();
    const { flow, relay, failures } = serve({ bindAddresses: ['127.0.0.1'] });
    flow.say('a', four.peer);
    flow.say('b', { host: '::1', port: 9 });
    await flow.until(1);
    expect(failures).toEqual(['::1 9: NETWORK_UNREACHABLE no address to send to ::1 from']);
    expect(relay.counts.datagramsUp).toBe(1);
  });

  test('of the first family that can be had are used, where a name has addresses of both', async () => {
    const { peer } = await destination();
    const resolver = resolverOf({ 'both.example': [['::1', '127.0.0.1']] });
    const { relay, room } = serve(
      { resolver, bindAddresses: ['2001:db8::1', '127.0.0.1'] },
      { ...peer, host: 'both.example' },
    );
    expect(await relay.reach()).toBe('127.0.0.1');
    expect(room.sockets).toBe(1);
  });

  test('that the host does not have fail as they do for TCP', async () => {
    const { relay, room } = serve({ bindAddresses: ['192.0.2.1'] }, { host: '127.0.0.1', port: 9 });
    await expect(relay.reach()).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
    expect(room.sockets).toBe(0);
  });
});
