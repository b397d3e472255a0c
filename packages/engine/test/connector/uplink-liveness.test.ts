import { describe, expect, test } from 'vitest';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { ConnectError } from '../../src/connector/connect-error.js';
import { UplinkFixture } from './uplink-fixture.js';

/** An answer that is this late is suspicious, ms; looked at every second. */
const SUSPICION = 5_000;
const LOOK = 1_000;

/** An uplink with an open channel whose transport has just fallen silent, with bytes under way. */
async function silent(): Promise<UplinkFixture> {
  const fixture = await UplinkFixture.online();
  fixture.open();
  await fixture.network.pass(100);
  fixture.network.connection.silent = true;
  fixture.open();
  await fixture.network.settle();
  return fixture;
}

describe('an uplink whose transport falls silent', () => {
  test('connects a second time after 5 s, and resumes on it: online -> online', async () => {
    const fixture = await silent();
    const silence = await fixture.network.passUntil(() => fixture.network.attempts === 2);
    expect(silence).toBeGreaterThanOrEqual(SUSPICION);
    expect(silence).toBeLessThanOrEqual(SUSPICION + 2 * LOOK);
    expect(fixture.transitions).toBe('waiting -> connecting -> online');
    expect(fixture.network.connections.map(({ near }) => near.isOpen)).toEqual([false, true]);
    expect(fixture.network.far).toHaveLength(2);
  });

  test('gives the second one up when the first shows life while it is dialled', async () => {
    const fixture = await silent();
    fixture.network.route = 'hanging';
    await fixture.network.passUntil(() => fixture.network.hanging.size === 1);
    fixture.network.connection.silent = false;
    await fixture.network.settle();
    for (const succeed of fixture.network.hanging) succeed();
    await fixture.network.pass(1_000);
    expect(fixture.network.connections.map(({ near }) => near.isOpen)).toEqual([true, false]);
    expect(fixture.transitions).toBe('waiting -> connecting -> online');
  });

  test('does not dial while it is silent because nothing is to be said', async () => {
    const fixture = await UplinkFixture.online();
    await fixture.network.pass(10 * 60_000);
    expect(fixture.network.attempts).toBe(1);
  });

  test('tries again while the silence lasts, and resumes when the path is back', async () => {
    const fixture = await silent();
    fixture.network.route = new ConnectError('unreachable', false);
    await fixture.network.pass(20_000);
    expect(fixture.uplink.state).toBe('online');
    expect(fixture.network.attempts).toBeGreaterThanOrEqual(4);
    fixture.network.route = 'open';
    await fixture.network.pass(SUSPICION + LOOK);
    expect(fixture.network.connections).toHaveLength(2);
    expect(fixture.network.connection.near.isOpen).toBe(true);
    expect(fixture.transitions).toBe('waiting -> connecting -> online');
  });

  test('online -> waiting after 45 s, when there is no other way either', async () => {
    const fixture = await silent();
    fixture.network.route = new ConnectError('unreachable', false);
    const silence = await fixture.network.passUntil(() => fixture.uplink.state === 'waiting');
    expect(silence).toBeGreaterThan(44_000);
    expect(silence).toBeLessThan(47_000);
  });

  test('online -> waiting when the second one does not answer, and tries a third', async () => {
    const fixture = await silent();
    fixture.network.mute = true;
    await fixture.network.passUntil(() => fixture.network.connections.length === 2);
    fixture.network.mute = false;
    expect(await fixture.network.passUntil(() => fixture.uplink.state === 'waiting')).toBe(5_000);
    await fixture.network.pass(500);
    expect(fixture.uplink.state).toBe('online');
    expect(fixture.network.far).toHaveLength(2);
  });

  test('tells requests that the tunnel is down, once there is no other way either', async () => {
    const fixture = await silent();
    const near = fixture.open();
    fixture.network.route = new ConnectError('unreachable', false);
    await fixture.network.passUntil(() => fixture.network.attempts === 2);
    await fixture.network.pass(4_900);
    expect(near.events).toEqual([]);
    await fixture.network.pass(100);
    expect(near.events).toEqual(['fail TUNNEL_DOWN']);
  });

  test('does not tell them so when it shows life meanwhile', async () => {
    const fixture = await UplinkFixture.online();
    // A destination that takes long to answer.
    fixture.network.onChannel = () => {};
    const near = fixture.open();
    await fixture.network.pass(2_000);
    fixture.network.connection.silent = true;
    fixture.network.route = new ConnectError('unreachable', false);
    near.channel.write(bytesOf('x'));
    await fixture.network.passUntil(() => fixture.network.attempts === 2);
    fixture.network.connection.silent = false;
    await fixture.network.pass(20_000);
    expect(near.events).toEqual([]);
  });
});

describe('an uplink whose machine has slept', () => {
  test('probes at once, and takes over within 3 s', async () => {
    const fixture = await UplinkFixture.online();
    const near = fixture.open();
    await fixture.network.pass(2_500);
    // The clock of the timers stood still, and the connection has died meanwhile.
    fixture.network.clock.wallOffset += 60 * 60_000;
    fixture.network.connection.silent = true;
    await fixture.network.pass(1_000);
    expect(fixture.network.connection.near.backlog).toBeGreaterThan(0);
    await fixture.network.pass(2_000);
    expect(fixture.network.attempts).toBe(2);
    near.channel.write(bytesOf('awake'));
    await fixture.network.settle();
    expect(fixture.network.far[0]?.text).toBe('awake');
  });

  test('stays where it is when the probe is answered', async () => {
    const fixture = await UplinkFixture.online();
    fixture.network.clock.wallOffset += 60 * 60_000;
    await fixture.network.pass(30_000);
    expect(fixture.network.attempts).toBe(1);
  });

  test('does not mind a clock that is set back', async () => {
    const fixture = await UplinkFixture.online();
    fixture.network.clock.wallOffset -= 60 * 60_000;
    await fixture.network.pass(30_000);
    expect(fixture.network.attempts).toBe(1);
  });
});

describe('an uplink that is asked to migrate', () => {
  test('resumes on a new transport, and loses nothing: online -> online', async () => {
    const fixture = await UplinkFixture.online();
    const near = fixture.open();
    await fixture.network.pass(5_000);
    fixture.network.session.migrate();
    near.channel.write(bytesOf('be'));
    await fixture.network.settle();
    near.channel.write(bytesOf('fore'));
    await fixture.network.pass(1_000);
    expect(fixture.network.connections.map((connection) => connection.near.isOpen)).toEqual([false, true]);
    expect(fixture.network.far[0]?.text).toBe('before');
    expect([near.events, fixture.transitions]).toEqual([['open'], 'waiting -> connecting -> online']);
  });

  test('stays where it is while there is no other way', async () => {
    const fixture = await UplinkFixture.online();
    await fixture.network.pass(5_000);
    fixture.network.route = new ConnectError('unreachable', false);
    fixture.network.session.migrate();
    await fixture.network.pass(60_000);
    expect(fixture.transitions).toBe('waiting -> connecting -> online');
    expect(fixture.network.connection.near.isOpen).toBe(true);
  });

  test('warns once that it ends soon when it is refused, until it is not', async () => {
    const fixture = await UplinkFixture.online();
    const { network } = fixture;
    const refusal = new ConnectError('the server refused the token (401)', true);
    network.route = refusal;
    for (let n = 0; n < 3; n++) {
      await network.pass(5_000);
      network.session.migrate();
      await network.settle();
    }
    const warned = network.logged('the server wants another transport, and refuses it: the session ends soon');
    expect([warned.length, fixture.uplink.threat, fixture.uplink.state]).toEqual([1, refusal, 'online']);
    network.route = 'open';
    await network.pass(5_000);
    network.session.migrate();
    await network.pass(1_000);
    expect([fixture.uplink.threat, fixture.resumes]).toEqual([undefined, 1]);
  });

  test('does not do so more often than every 1.5 s, no matter what the server says', async () => {
    const fixture = await UplinkFixture.online();
    for (let n = 0; n < 100; n++) {
      fixture.network.session.migrate();
      await fixture.network.pass(100);
    }
    expect(fixture.network.attempts).toBeLessThanOrEqual(8);
    expect(fixture.uplink.state).toBe('online');
  });
});

describe('an uplink whose server drains', () => {
  test('says so, and once its last channel is over and everything has arrived, that it is idle', async () => {
    const fixture = await UplinkFixture.online();
    const near = fixture.open();
    await fixture.network.settle();
    fixture.network.session.drain(30_000);
    await fixture.network.settle();
    expect(fixture.events).toEqual(['draining']);
    fixture.network.far[0]?.channel.end();
    await fixture.network.pass(100);
    expect(near.events).toEqual(['open', 'end']);
    fixture.network.connection.silent = true;
    near.channel.write(bytesOf('the last words'));
    near.channel.end();
    await fixture.network.pass(100);
    expect(fixture.events).toEqual(['draining']);
    fixture.network.connection.silent = false;
    await fixture.network.pass(100);
    expect(fixture.events).toEqual(['draining', 'idle']);
    expect(fixture.network.far[0]?.events).toEqual(['data', 'end']);
  });

  test('is told again when it was away at that time', async () => {
    const fixture = await UplinkFixture.online();
    const near = fixture.open();
    await fixture.network.settle();
    fixture.network.connection.near.cut();
    fixture.network.session.drain(30_000);
    await fixture.network.pass(200);
    expect([near.events, fixture.events]).toEqual([['open'], ['draining']]);
  });
});
