import { describe, expect, test } from 'vitest';
import type { OfferedChannel } from 'wsproxy-engine';
import { Services } from '../../src/calls/services.js';
import type { TunnelSocket } from '../../src/sockets/tunnel-socket.js';
import { ChannelLedger } from '../../src/tunnel/channel-ledger.js';
import type { ChannelChange } from '../../src/tunnel/client-status.js';
import { KeepAwake } from '../../src/tunnel/keep-awake.js';

/** Services, what their ledger tells, and the reasons for which the process is kept alive. */
function make() {
  const changes: ChannelChange[] = [];
  const reasons = new Set<object>();
  const awake = new KeepAwake();
  awake.hold = (reason) => void reasons.add(reason);
  awake.release = (reason) => void reasons.delete(reason);
  const channels = new ChannelLedger(awake, (change) => changes.push(change));
  return { services: new Services({ channels, awake, keepAwakeFor() {} }), changes, reasons };
}

/** A call as a session offers it, and what it is answered. */
function offered(): { channel: OfferedChannel; answers: string[] } {
  const answers: string[] = [];
  const channel = {
    id: 2,
    target: { host: 'news', port: 0 },
    state: { opening: 'open', sending: 'open', receiving: 'open', dead: false },
    figures: { age: 0, bytesSent: 0, bytesReceived: 0, failure: undefined },
    accept: () => answers.push('accept'),
    refuse: (code: string) => answers.push(code),
    start() {},
    onOver() {},
  } as unknown as OfferedChannel;
  return { channel, answers };
}

test('a call is given to the one who has registered the service, as a socket, and to nobody else', () => {
  const { services, changes } = make();
  const taken: [string, TunnelSocket][] = [];
  services.register('news', (socket) => taken.push(['news', socket]));
  services.register('push/ä', (socket) => taken.push(['push/ä', socket]));
  const { channel, answers } = offered();
  services.take(channel, 'news');
  expect([answers, taken.map(([name]) => name), taken[0]?.[1].readyState]).toEqual([['accept'], ['news'], 'open']);
  expect(changes).toMatchObject([{ change: 'open', kind: 'call', target: 'news', open: true }]);
});

test.each(['new', 'news2', 'NEWS', '', 'constructor'])('a service that is not registered is refused: %j', (name) => {
  const { services, changes } = make();
  services.register('news', () => {});
  const { channel, answers } = offered();
  services.take(channel, name);
  expect([answers, changes]).toEqual([['DENIED'], []]);
});

test('one that is unregistered is refused, and may be registered again; to unregister twice is nothing', () => {
  const { services, reasons } = make();
  const unregister = services.register('news', () => {});
  expect([services.size, reasons.size]).toEqual([1, 1]);
  unregister();
  expect([services.size, reasons.size]).toEqual([0, 0]);
  const { channel, answers } = offered();
  services.take(channel, 'news');
  services.register('news', () => {});
  unregister();
  expect([answers, services.size]).toEqual([['DENIED'], 1]);
});

test('once they are closed nothing is taken, and the process is not kept alive', () => {
  const { services, reasons } = make();
  services.register('news', () => {});
  services.close();
  const { channel, answers } = offered();
  services.take(channel, 'news');
  expect([answers, reasons.size]).toEqual([['DENIED'], 0]);
});

describe('there is no service', () => {
  test.each([
    ['without a name', ''],
    ['with a name of 256 bytes', 'ä'.repeat(128)],
    ['with a name that is no text', '\ud800'],
    ['with a name that is no string', 7 as unknown as string],
  ])('%s', (_what, name) => {
    const { services } = make();
    expect(() => services.register(name, () => {})).toThrow(
      new TypeError('not a name of a service: expected a text of 1 to 255 bytes'),
    );
  });

  test('of a name that is taken', () => {
    const { services } = make();
    services.register('news', () => {});
    expect(() => services.register('news', () => {})).toThrow('the service "news" is registered already');
  });
});
