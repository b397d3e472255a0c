import { expect, test } from 'vitest';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { ConnectError } from '../../src/connector/connect-error.js';
import { UplinkFixture } from './uplink-fixture.js';

const open = (fixture: UplinkFixture): boolean[] => fixture.network.connections.map(({ near }) => near.isOpen);

test('an uplink that is renewed goes on with another transport, and loses nothing', async () => {
  const fixture = await UplinkFixture.online();
  const near = fixture.open();
  await fixture.network.pass(5_000);
  fixture.uplink.renew();
  near.channel.write(bytesOf('be'));
  await fixture.network.settle();
  near.channel.write(bytesOf('fore'));
  await fixture.network.pass(60_000);
  expect([open(fixture), fixture.resumes]).toEqual([[false, true], 1]);
  expect(fixture.network.far[0]?.text).toBe('before');
  expect([near.events, fixture.transitions]).toEqual([['open'], 'waiting -> connecting -> online']);
});

test('stays where it is while no other transport can be had, and tries again until one is there', async () => {
  const fixture = await UplinkFixture.online();
  const { network } = fixture;
  network.route = new ConnectError('the server refused the token (401)', true);
  fixture.uplink.renew();
  await network.pass(20_000);
  expect([open(fixture), fixture.events]).toEqual([[true], []]);
  // After 2, 4 and 8 s.
  expect(network.attempts).toBe(5);
  network.route = 'open';
  await network.pass(20_000);
  expect(open(fixture)).toEqual([false, true]);
  await network.pass(300_000);
  expect([network.attempts, fixture.transitions]).toEqual([6, 'waiting -> connecting -> online']);
});

test('is content with a transport that comes meanwhile for another reason', async () => {
  const fixture = await UplinkFixture.online();
  const { network } = fixture;
  network.route = new ConnectError('not now', false);
  fixture.uplink.renew();
  await network.settle();
  network.route = 'open';
  network.connection.near.cut();
  await network.pass(100_000);
  expect([open(fixture), network.attempts]).toEqual([[false, true], 3]);
});

test('does not take a transport for the new one that was under way before', async () => {
  const fixture = new UplinkFixture();
  const { network } = fixture;
  network.route = 'hanging';
  fixture.uplink.connect();
  network.mute = true;
  await network.settle();
  const [arrive] = network.hanging;
  // The greeting is under way on it.
  arrive?.();
  await network.settle();
  network.route = 'open';
  fixture.uplink.renew();
  network.mute = false;
  await network.pass(60_000);
  expect(open(fixture).at(-1)).toBe(true);
  expect([fixture.uplink.state, network.attempts > 1]).toEqual(['online', true]);
});

test('tries at once when it waits for the next try', async () => {
  const fixture = new UplinkFixture(1);
  const { network } = fixture;
  network.route = new ConnectError('the server refused the token (401)', true);
  fixture.uplink.connect();
  await network.pass(60_000);
  const { attempts } = network;
  network.route = 'open';
  fixture.uplink.renew();
  await network.settle();
  expect([fixture.uplink.state, network.attempts]).toEqual(['online', attempts + 1]);
});

test('leaves no timer when it is closed', async () => {
  const fixture = await UplinkFixture.online();
  fixture.network.route = new ConnectError('not now', false);
  fixture.uplink.renew();
  await fixture.network.settle();
  fixture.uplink.close('for the test');
  expect(fixture.network.clock.pending).toBe(0);
});
