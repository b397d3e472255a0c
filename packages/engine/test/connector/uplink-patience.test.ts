import { describe, expect, test } from 'vitest';
import type { OfferedChannel } from 'wsproxy-engine';
import { ConnectError } from '../../src/connector/connect-error.js';
import { UplinkFixture } from './uplink-fixture.js';

const unreachable = new ConnectError('unreachable', false);

/** An uplink that has been down for long: its pauses have grown to their bound. */
async function downForLong(random?: number): Promise<UplinkFixture> {
  const fixture = new UplinkFixture(random);
  fixture.network.route = unreachable;
  fixture.uplink.connect();
  await fixture.network.pass(300_000);
  return fixture;
}

describe('a request while the tunnel is down', () => {
  test('fails with TUNNEL_DOWN after 5 s, and no sooner', async () => {
    const fixture = await downForLong();
    const near = fixture.open();
    await fixture.network.pass(4_900);
    expect(near.events).toEqual([]);
    await fixture.network.pass(100);
    expect(near.events).toEqual(['fail TUNNEL_DOWN']);
    expect(fixture.uplink.session.channelCount).toBe(0);
  });

  test('makes it dial at once, and every 1.5 s while it waits', async () => {
    const fixture = await downForLong();
    const before = fixture.network.attempts;
    fixture.open();
    expect(fixture.network.attempts).toBe(before + 1);
    await fixture.network.pass(4_900);
    expect(fixture.network.attempts - before).toBeGreaterThanOrEqual(4);
    expect(fixture.network.attempts - before).toBeLessThanOrEqual(8);
  });

  test('makes it dial as often where other sessions try the same server', async () => {
    const fixture = await downForLong(1);
    const others = [1, 2, 3].map(() => new UplinkFixture(1, fixture));
    const before = fixture.network.attempts;
    fixture.open();
    for (let n = 0; n < 49; n++) {
      const other = others[n % 3] as UplinkFixture;
      other.network.route = unreachable;
      other.uplink.connect();
      await fixture.network.pass(100);
    }
    expect(fixture.network.attempts - before).toBeGreaterThanOrEqual(4);
  });

  test('is served when the server comes back while it waits', async () => {
    const fixture = await downForLong(1);
    const near = fixture.open();
    await fixture.network.pass(2_900);
    fixture.network.route = 'open';
    await fixture.network.pass(1_500);
    expect(near.events).toEqual(['open']);
    // Its time is not up any more.
    await fixture.network.pass(10_000);
    expect(near.events).toEqual(['open']);
  });

  test('whose OPEN had left when the connection was lost is served as well when the server comes back in time', async () => {
    const fixture = new UplinkFixture(1);
    const offered: OfferedChannel[] = [];
    fixture.network.onChannel = (channel) => offered.push(channel);
    fixture.uplink.connect();
    await fixture.network.pass(100);
    const near = fixture.open();
    await fixture.network.pass(100);
    fixture.network.route = unreachable;
    fixture.lose();
    // The next pause is the first that is longer than somebody waits.
    await fixture.network.pass(3_900);
    fixture.network.route = 'open';
    offered[0]?.accept();
    await fixture.network.pass(1_000);
    expect(near.events).toEqual(['open']);
  });

  test('does not dial more often because there are many of it', async () => {
    const fixture = await downForLong();
    const before = fixture.network.attempts;
    for (let n = 0; n < 1_000; n++) fixture.open();
    await fixture.network.settle();
    expect(fixture.network.attempts).toBe(before + 1);
  });

  test('tries beside an attempt that hangs, without giving it up', async () => {
    const fixture = new UplinkFixture();
    fixture.network.route = 'hanging';
    fixture.uplink.connect();
    await fixture.network.pass(2_000);
    const near = fixture.open();
    await fixture.network.pass(100);
    expect(fixture.network.hanging.size).toBe(2);
    const [slow] = fixture.network.hanging;
    slow?.();
    await fixture.network.pass(100);
    expect([near.events, fixture.uplink.state]).toEqual([['open'], 'online']);
    expect(fixture.network.hanging.size).toBe(0);
  });

  test('connects by way of a path on which a dial takes longer than 1.5 s, however many come', async () => {
    const fixture = new UplinkFixture();
    fixture.network.route = 'hanging';
    const [first] = [fixture.open()];
    const [slow] = fixture.network.hanging;
    for (let n = 0; n < 5; n++) {
      await fixture.network.pass(700);
      fixture.open();
    }
    slow?.();
    await fixture.network.settle();
    expect([first.events, fixture.uplink.state]).toEqual([['open'], 'online']);
  });

  test('that is optimistic is answered at once, and reset when nothing comes of it', async () => {
    const fixture = await downForLong();
    const near = fixture.open(true);
    await fixture.network.settle();
    expect(near.events).toEqual(['open']);
    await fixture.network.pass(5_000);
    expect(near.events).toEqual(['open', 'reset TUNNEL_DOWN']);
  });
});

describe('a request that is not answered when the tunnel goes down', () => {
  async function unanswered(): Promise<UplinkFixture> {
    const fixture = await UplinkFixture.online();
    fixture.network.onChannel = () => {};
    return fixture;
  }

  test('fails with TUNNEL_DOWN 5 s later', async () => {
    const fixture = await unanswered();
    const near = fixture.open();
    await fixture.network.pass(3_000);
    fixture.network.route = unreachable;
    fixture.lose();
    await fixture.network.pass(4_900);
    expect(near.events).toEqual([]);
    await fixture.network.pass(100);
    expect(near.events).toEqual(['fail TUNNEL_DOWN']);
  });

  test('waits on when it is up again', async () => {
    const fixture = await unanswered();
    const near = fixture.open();
    await fixture.network.settle();
    fixture.lose();
    await fixture.network.pass(20_000);
    expect([near.events, fixture.uplink.state]).toEqual([[], 'online']);
  });

  test('leaves the others alone, which wait for the grace', async () => {
    const fixture = await UplinkFixture.online();
    const near = fixture.open();
    await fixture.network.settle();
    fixture.network.route = unreachable;
    fixture.lose();
    await fixture.network.pass(30_000);
    expect(near.events).toEqual(['open']);
  });
});
