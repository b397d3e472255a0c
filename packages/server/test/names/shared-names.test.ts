import { beforeEach, describe, expect, test } from 'vitest';
import { SharedNames } from '../../src/names/shared-names.js';
import { LEASE } from '../../src/store/store.js';
import { SharedWorld, type SharingProcess } from '../store/shared-world.js';
import { FakeOwner } from './fake-owner.js';
import { startNames } from './start-names.js';

let world: SharedWorld;
let [one, other]: SharingProcess[] = [];

beforeEach(async () => {
  world = new SharedWorld();
  one = await world.begin('one');
  other = await world.begin('other');
});

const NAME = 'app.example.org';
const holders = (): string[] => world.memory.find([`@name/${NAME}`]).flat();

function namesOf(process: SharingProcess | undefined): SharedNames {
  return new SharedNames(() => process?.sharing.exclusives, world.clock);
}

/** What becomes of it: `had`, the code of the failure, or nothing yet. */
function hold(names: SharedNames, onLost: () => void = () => {}) {
  const held: { result?: string; giveBack: () => void } = { giveBack: () => {} };
  names.hold(NAME, onLost).then(
    (giveBack) => Object.assign(held, { result: 'had', giveBack }),
    ({ code }) => Object.assign(held, { result: code }),
  );
  return held;
}

describe('a host name among processes', () => {
  test('is held by one, however often it is held there, until all of that is given back', async () => {
    const [names, others] = [namesOf(one), namesOf(other)];
    const [http, tls] = [hold(names), hold(names)];
    await world.pass(0);
    expect([http.result, tls.result, holders()]).toEqual(['had', 'had', ['one']]);
    http.giveBack();
    await world.pass(0);
    expect(holders()).toEqual(['one']);
    tls.giveBack();
    const later = hold(others);
    await world.pass(0);
    expect([later.result, holders()]).toEqual(['had', ['other']]);
  });

  test('is refused after three seconds to another one', async () => {
    hold(namesOf(one));
    await world.pass(0);
    const second = hold(namesOf(other));
    await world.pass(0);
    await world.pass(2_500);
    expect(second.result).toBeUndefined();
    await world.pass(500);
    expect([second.result, holders()]).toEqual(['ADDRESS_IN_USE', ['one']]);
    await world.pass(20_000);
    expect([holders(), world.memory.find([`line/name/${NAME}`])]).toEqual([['one'], [[]]]);
  });

  test('is that of another one which asks while it is about to be given back', async () => {
    const first = hold(namesOf(one));
    await world.pass(0);
    const names = namesOf(other);
    const [http, tls] = [hold(names), hold(names)];
    await world.pass(1_000);
    first.giveBack();
    await world.pass(0);
    expect([http.result, tls.result, holders()]).toEqual(['had', 'had', ['other']]);
    await world.pass(5_000);
    expect(holders()).toEqual(['other']);
  });

  test('may be asked for again after it was refused', async () => {
    const first = hold(namesOf(one));
    await world.pass(0);
    const names = namesOf(other);
    hold(names);
    await world.pass(4_000);
    first.giveBack();
    const again = hold(names);
    await world.pass(0);
    expect([again.result, holders()]).toEqual(['had', ['other']]);
  });

  test('is lost where a process could not keep it, which is told to all that held it there', async () => {
    const lost: string[] = [];
    const names = namesOf(one);
    hold(names, () => lost.push('http'));
    hold(names, () => lost.push('tls'));
    await world.pass(0);
    Object.assign(one ?? {}, { isCutOff: true });
    await world.pass(LEASE + 2_000);
    const taken = hold(namesOf(other));
    await world.pass(0);
    Object.assign(one ?? {}, { isCutOff: false });
    await world.pass(3_000);
    expect([taken.result, lost, holders()]).toEqual(['had', ['http', 'tls'], ['other']]);
  });

  test('is held at once where there are no others', async () => {
    const held = hold(namesOf(undefined));
    await world.pass(0);
    expect([held.result, holders()]).toEqual(['had', []]);
  });
});

test('a port for names gives none away that another process holds, and tells the holder when it is lost', async () => {
  const ports = [one, other].map((process) => startNames({}, { exclusives: process?.sharing.exclusives }));
  const [here, there] = await Promise.all(ports);
  const owner = new FakeOwner('alice', 1);
  const held = await here?.hold('http', NAME, owner);
  await expect(here?.hold('tls', NAME, new FakeOwner('bob', 1))).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
  await world.pass(0);
  expect(holders()).toEqual(['one']);
  held?.close();
  const taken = await there?.hold('http', NAME, new FakeOwner('bob', 1));
  expect(holders()).toEqual(['other']);
  taken?.close();
  await here?.hold('http', NAME, owner);
  Object.assign(one ?? {}, { isCutOff: true });
  await world.pass(LEASE + 2_000);
  await there?.hold('http', NAME, new FakeOwner('bob', 1));
  Object.assign(one ?? {}, { isCutOff: false });
  await world.pass(3_000);
  expect([owner.losses, holders()]).toEqual([1, ['other']]);
});
