import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Arrival, type OfferedChannel, silentLogger, TunnelError } from 'wsproxy-engine';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { udpDestination } from 'wsproxy-test-support/destinations/udp-destination';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { FakeFlow } from 'wsproxy-test-support/fake-flow';
import { freePort, listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { TestTunnel } from 'wsproxy-test-support/test-tunnel';
import { until } from 'wsproxy-test-support/until';
import type { LocalTarget } from '../../src/options/remote-options.js';
import { ArrivalDialer, type ArrivalDialerOptions } from '../../src/remote/arrival-dialer.js';
import { proxyHeader } from '../../src/remote/proxy-header.js';
import type { Dial } from '../../src/tunnel/direct-tunnel.js';

const HOST = '127.0.0.1';
const ARRIVAL: Arrival = {
  peer: { host: '192.0.2.7', port: 51_000 },
  local: { host: '198.51.100.1', port: 443 },
  name: '',
};

/** Opens channels that come to a listener which leads to `to`; what was accepted. */
function prepare(to: LocalTarget, options: Partial<ArrivalDialerOptions> = {}, arrival = ARRIVAL) {
  const dialer = new ArrivalDialer(to, { tellsPeer: false, isUdp: false, logger: silentLogger, ...options });
  const accepted: OfferedChannel[] = [];
  const tunnel = new TestTunnel((channel) => {
    void dialer.takeChannel(channel, arrival, () => {
      accepted.push(channel);
      channel.accept();
    });
  });
  atEnd(() => tunnel.close());
  const open = (): Recorder => {
    const peer = new Recorder();
    return peer.take(tunnel.open({ host: 'whatever.the.server.says', port: 1 }, peer));
  };
  return { dialer, tunnel, open, accepted };
}

describe('what comes to a listener', () => {
  test('is joined with the target that was written for it, each end by itself', async () => {
    const { port } = await startEcho();
    const { dialer, open, accepted } = prepare({ host: HOST, port });
    expect(dialer.target).toBe(`${HOST}:${port}`);
    const peer = open();
    peer.channel.write(Buffer.from('early and late'));
    peer.channel.end();
    await until('it has ended', () => peer.events.includes('end'));
    expect([peer.events, peer.text, accepted.length]).toEqual([['open', 'data', 'end'], 'early and late', 1]);
  });

  test('goes to a Unix socket', async () => {
    const path = join(temporaryFolder(), 'service');
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(path);
    atEnd(() => server.close());
    await once(server, 'listening');
    const { dialer, open } = prepare({ path });
    expect(dialer.target).toBe(`unix:${path}`);
    const peer = open();
    peer.channel.write(Buffer.from('by a path'));
    peer.channel.end();
    await until('it has ended', () => peer.events.includes('end'));
    expect(peer.text).toBe('by a path');
  });

  test('is told why its target was not reached', async () => {
    const path = join(temporaryFolder(), 'nothing');
    const failing: Dial = () => Promise.reject(new TunnelError('NAME_NOT_FOUND'));
    const peers = [
      prepare({ host: HOST, port: await freePort() }).open(),
      prepare({ path }).open(),
      prepare({ host: 'a.example', port: 1 }, { load: async () => failing }).open(),
    ];
    await until('all are over', () => peers.every(({ events }) => events.length > 0));
    expect(peers.map(({ events }) => events)).toEqual([
      ['fail CONNECTION_REFUSED'],
      ['fail CONNECTION_REFUSED'],
      ['fail NAME_NOT_FOUND'],
    ]);
  });

  test('stands in the log when its target was not reached, and not when it has gone before', async () => {
    const lines: unknown[] = [];
    const logger = { ...silentLogger, info: (...line: unknown[]) => void lines.push(line) };
    const { open, tunnel } = prepare({ host: HOST, port: await freePort() }, { logger });
    const gone = open();
    gone.channel.reset('CANCELLED');
    const peer = open();
    await until('all are over', () => peer.events.length > 0 && tunnel.channelCount === 0);
    expect(lines).toEqual([
      [{ target: expect.any(String), peer: '192.0.2.7:51000', code: 'CONNECTION_REFUSED' }, 'channel failed to open'],
    ]);
  });

  test('that resets resets the connection to the target, and the other way round', async () => {
    const sockets: Socket[] = [];
    const { port } = await listen((socket) => void sockets.push(socket.resume()));
    const { open } = prepare({ host: HOST, port });
    const [first, second] = [open(), open()];
    await until('both are joined', () => sockets.length === 2 && second.events.includes('open'));
    first.channel.reset('CANCELLED');
    await until('one socket is gone', () => sockets.some(({ destroyed }) => destroyed));
    sockets.find(({ destroyed }) => !destroyed)?.resetAndDestroy();
    await until('the other channel as well', () => second.events.length > 1);
    expect(second.events).toEqual(['open', 'reset CONNECTION_RESET']);
  });
});

describe('a target that is to know from whom a connection is', () => {
  test.each([
    ['is told so ahead of the first byte', ARRIVAL],
    ['is told LOCAL where the server does not say', { peer: undefined, local: undefined, name: 'a.example' }],
  ])('%s', async (_title, arrival) => {
    const got: Buffer[] = [];
    const { port } = await listen((socket) =>
      socket.on('data', (data) => got.push(data)).on('end', () => socket.end()),
    );
    const { open } = prepare({ host: HOST, port }, { tellsPeer: true }, arrival);
    const peer = open();
    peer.channel.write(Buffer.from('hello'));
    peer.channel.end();
    await until('it has ended', () => peer.events.includes('end'));
    const header = Buffer.from(proxyHeader(arrival.peer, arrival.local));
    expect(Buffer.concat(got)).toEqual(Buffer.concat([header, Buffer.from('hello')]));
  });
});

describe('connections that come in numbers', () => {
  /** Dials that end when they are told. */
  function hangingDials() {
    const dials: { fail: () => void; isGivenUp: () => boolean }[] = [];
    const dial: Dial = (_target, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        dials.push({ fail: () => reject(new TunnelError('DIAL_TIMEOUT')), isGivenUp: () => signal.aborted });
      });
    return { dials, load: async () => dial };
  }

  test('are dialled 64 at a time, the others as soon as these are done', async () => {
    const { dials, load } = hangingDials();
    const { open } = prepare({ host: HOST, port: 1 }, { load });
    const peers = Array.from({ length: 200 }, open);
    for (let done = 0; done < 200; done++) {
      await until('as many are dialled as may be', () => dials.length === Math.min(200, done + 64));
      dials[done]?.fail();
    }
    await until('all are told', () => peers.every(({ events }) => events.length === 1));
    expect(new Set(peers.flatMap(({ events }) => events))).toEqual(new Set(['fail DIAL_TIMEOUT']));
  });

  test('are given up when nobody wants them any more, before their turn as well', async () => {
    const { dials, load } = hangingDials();
    const { open, tunnel } = prepare({ host: HOST, port: 1 }, { load });
    const peers = Array.from({ length: 70 }, open);
    await until('the first are dialled', () => dials.length === 64);
    for (const { channel } of peers) channel.reset();
    await until('nothing is left', () => tunnel.channelCount === 0);
    expect(dials.map(({ isGivenUp }) => isGivenUp())).toEqual(Array(64).fill(true));
  });

  test('leave no socket behind when one is given up as it is reached', async () => {
    const { port, sockets } = await listen(() => {});
    const { open, tunnel, accepted } = prepare({ host: HOST, port });
    for (let n = 0; n < 50; n++) open().channel.reset();
    const last = open();
    await until('the last is joined', () => last.events.includes('open'));
    await until('the others are gone', () => sockets.size === 1 && accepted.length === 1);
    last.channel.reset();
    await until('nothing is left', () => tunnel.channelCount === 0 && sockets.size === 0);
  });
});

describe('datagrams that come to a listener', () => {
  const AT_WORK = (): boolean => false;

  test('go to the target from a socket of each peer, and answers come back', async () => {
    const { peer, heard } = await udpDestination();
    const dialer = new ArrivalDialer(peer, { tellsPeer: false, isUdp: true, logger: silentLogger });
    await dialer.prepare();
    expect(dialer.target).toBe(`${HOST}:${peer.port}/udp`);
    const flows = ['192.0.2.1', '192.0.2.2'].map((host) => new FakeFlow({ host, port: 5_000 }));
    for (const flow of flows) {
      void dialer.takeFlow(flow, AT_WORK, () => flow.accept());
      await flow.answered();
      flow.say('ask');
      expect(await flow.until(1)).toEqual(['echo: ask from undefined undefined']);
    }
    expect(new Set(heard).size).toBe(2);
    for (const flow of flows) flow.close();
  });

  test('that cannot go to the target stand in the log', async () => {
    const lines: unknown[] = [];
    const logger = { ...silentLogger, info: (...line: unknown[]) => void lines.push(line) };
    const dialer = new ArrivalDialer(
      { host: 'no-such-host.invalid', port: 53 },
      { tellsPeer: false, isUdp: true, logger },
    );
    const flow = new FakeFlow({ host: '192.0.2.1', port: 5_000 });
    await dialer.takeFlow(flow, AT_WORK, () => flow.accept());
    expect(flow.isAccepted).toBe(false);
    expect(lines).toEqual([[{ target: 'no-such-host.invalid:53/udp', code: flow.failure }, 'flow failed to open']]);
  });

  test('are refused where the target is a Unix socket', async () => {
    const dialer = new ArrivalDialer(
      { path: '/run/service' },
      { tellsPeer: false, isUdp: false, logger: silentLogger },
    );
    const flow = new FakeFlow({ host: '192.0.2.1', port: 5_000 });
    await dialer.takeFlow(flow, AT_WORK, () => flow.accept());
    expect([flow.isAccepted, flow.failure]).toEqual([false, 'BAD_TARGET']);
  });
});
