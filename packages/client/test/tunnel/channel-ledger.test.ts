import { afterEach, describe, expect, test } from 'vitest';
import { formatTarget, type Target, type Tunnel } from 'wsproxy-engine';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { echo, keepWaiting, refuseWith, TestTunnel } from 'wsproxy-test-support/test-tunnel';
import { ChannelLedger } from '../../src/tunnel/channel-ledger.js';
import type { ChannelChange } from '../../src/tunnel/client-status.js';
import { KeepAwake } from '../../src/tunnel/keep-awake.js';

const TARGET: Target = { host: 'example.org', port: 80 };
const tunnels: TestTunnel[] = [];

afterEach(() => {
  for (const tunnel of tunnels.splice(0)) tunnel.close();
});

/** A ledger over a tunnel whose far end does as told, and what the ledger tells. */
function prepare(farEnd: ConstructorParameters<typeof TestTunnel>[0]) {
  const tunnel = new TestTunnel(farEnd);
  tunnels.push(tunnel);
  const changes: ChannelChange[] = [];
  const awake = new KeepAwake();
  const ledger = new ChannelLedger(awake, (change) => changes.push(change));
  const openBy = (way: Tunnel, target: Target, kind?: string): Recorder => {
    const log = new Recorder();
    return log.take(
      way.open(
        target,
        kind === undefined ? log : { kind, onOpen: () => log.onOpen(), onFail: (code) => log.onFail(code) },
      ),
    );
  };
  const open = (target = TARGET, kind?: string): Recorder => openBy(ledger.over(tunnel), target, kind);
  const openHidden = (target = TARGET): Recorder => openBy(ledger.hide(tunnel), target);
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  };
  return { ledger, open, openHidden, changes, until };
}

describe('status', () => {
  test('is empty before anything was opened', () => {
    expect(prepare(echo).ledger.status()).toEqual({ bytesUp: 0, bytesDown: 0, channels: [] });
  });

  test('shows living channels, oldest first, with what each has carried so far', async () => {
    const { ledger, open, until } = prepare(echo);
    const first = open();
    open({ host: '::1', port: 443 }, 'socks5');
    first.channel.write(Buffer.alloc(1_000));
    await until(() => first.bytes.length === 1_000);
    const { channels, ...sum } = ledger.status();
    expect(channels).toMatchObject([
      { id: 1, target: 'example.org:80', kind: 'library', open: true, bytesUp: 1_000, bytesDown: 1_000 },
      { id: 2, target: '[::1]:443', kind: 'socks5', open: true, bytesUp: 0, bytesDown: 0 },
    ]);
    expect(sum).toEqual({ bytesUp: 1_000, bytesDown: 1_000 });
    for (const { ageMs } of channels) expect(ageMs).toBeGreaterThanOrEqual(0);
  });

  test('tells a channel that the server has not dialled yet from one that is open', () => {
    const { ledger, open } = prepare(keepWaiting);
    open();
    expect(ledger.status().channels).toMatchObject([{ open: false }]);
  });

  test('keeps the sum of the channels that are over, and never gives a number again', async () => {
    const { ledger, open, until } = prepare(echo);
    for (const bytes of [10, 20]) {
      const log = open();
      log.channel.write(Buffer.alloc(bytes));
      log.channel.end();
      await until(() => log.events.includes('end'));
    }
    expect(ledger.status()).toEqual({ bytesUp: 30, bytesDown: 30, channels: [] });
    open();
    expect(ledger.status().channels.map(({ id }) => id)).toEqual([3]);
  });
});

describe('changes', () => {
  test('are open and over, with the figures of then, for a channel that ends', async () => {
    const { open, changes, until } = prepare(echo);
    const log = open();
    log.channel.write(Buffer.alloc(5));
    log.channel.end();
    await until(() => changes.length === 2);
    expect(changes).toMatchObject([
      { change: 'open', id: 1, target: formatTarget(TARGET), open: true, bytesDown: 0, failure: undefined },
      { change: 'over', id: 1, bytesUp: 5, bytesDown: 5, failure: undefined },
    ]);
    expect(log.events).toEqual(['open', 'data', 'end']);
  });

  test('is over with the failure for one that could not be opened', async () => {
    const { ledger, open, changes, until } = prepare(refuseWith('CONNECTION_REFUSED'));
    const log = open();
    await until(() => log.events.length > 0);
    expect(changes).toMatchObject([{ change: 'over', open: false, failure: 'CONNECTION_REFUSED' }]);
    expect([log.events, ledger.status().channels]).toEqual([['fail CONNECTION_REFUSED'], []]);
  });

  test('names the target that was asked for, also when it is none', async () => {
    const { open, changes, until } = prepare(echo);
    open({ host: 'not a host', port: 1 });
    await until(() => changes.length === 1);
    expect(changes).toMatchObject([{ change: 'over', target: 'not a host:1', failure: 'BAD_TARGET' }]);
  });
});

test('channels past the tunnel count among the living, and are shown to nobody', async () => {
  const { ledger, open, openHidden, changes, until } = prepare(echo);
  const hidden = openHidden();
  hidden.channel.write(Buffer.alloc(5));
  await until(() => hidden.bytes.length === 5);
  expect([ledger.size, ledger.status()]).toEqual([1, { bytesUp: 0, bytesDown: 0, channels: [] }]);
  open();
  expect([ledger.size, ledger.status().channels.map(({ id }) => id)]).toEqual([2, [1]]);
  hidden.channel.end();
  await until(() => hidden.events.includes('end'));
  expect(ledger.size).toBe(1);
  expect(changes.map(({ change, id }) => [change, id])).toEqual([['open', 1]]);
});
