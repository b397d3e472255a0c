import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger, type Target } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { createPolicies } from 'wsproxy-node/dial';
import { createUdpDial } from 'wsproxy-node/dial/udp';
import { udpDestination } from 'wsproxy-test-support/destinations/udp-destination';
import { FlowRecorder } from 'wsproxy-test-support/engine/flow-recorder';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { createFlowHandler } from '../../src/flows/flow-handler.js';
import { Guard } from '../../src/limits/guard.js';
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { TestClient } from '../sessions/test-client.js';

let client: TestClient;
let registry: SessionRegistry;
let guard: Guard;
let clock: FakeClock;

beforeEach(() => serveWith());
afterEach(() => client.session.leave('the test is over'));

/** A server with these limits, and a client of it. */
function serveWith(limits: LimitOptions = {}, areServed = true): void {
  clock = new FakeClock();
  guard = new Guard({ limits: resolveLimits(limits), clock, logger: silentLogger });
  const policies = createPolicies({ allowPrivate: true }, {});
  const relayFlow = createUdpDial({ clock });
  const policyOf = () => policies();
  const flows = createFlowHandler({ relayFlow, policyOf, guard, logger: silentLogger, observer: {}, logTargets: true });
  const common = { clock, memory: newMemory(), logger: silentLogger, guard, maxGrace: 60_000, onChannel() {} };
  registry = new SessionRegistry({ ...common, ...(areServed && { flows }) });
  client = new TestClient(registry, clock, { id: 'alice' }).connect();
}

/** An application asks for a flow, and has the answer. */
async function ask(target?: Target): Promise<FlowRecorder> {
  const recorder = new FlowRecorder();
  recorder.take(client.session.openFlow(target, recorder));
  await settle();
  return recorder;
}

async function settle(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    client.settle();
    await turn();
  }
  client.settle();
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await settle();
}

describe('flows of a session', () => {
  test('go on after an outage, from the port that their destinations know', async () => {
    const { peer, heard } = await udpDestination();
    const application = await ask();
    application.flow.send(Buffer.from('before'), peer);
    await until(() => application.texts.length === 1);
    client.cut();
    application.flow.send(Buffer.from('away'), peer);
    await settle();
    client.connect();
    application.flow.send(Buffer.from('after'), peer);
    await until(() => application.texts.includes('echo: after'));
    expect(heard.map((each) => each.split(' from ')[0])).toEqual(['before', 'away', 'after']);
    expect(new Set(heard.map((each) => each.split(' from ')[1])).size).toBe(1);
    expect(registry.describe()[0]?.flows).toMatchObject([{ open: true, datagramsUp: 3, datagramsDown: 3 }]);
  });

  test('end with the session, and leave nothing behind', async () => {
    const { peer } = await udpDestination();
    expect((await ask(peer)).events).toEqual(['open']);
    expect(guard.inUse.sockets).toBe(1);
    expect(guard.accounts.of({ id: 'alice' }).flows).toBe(1);
    registry.endSessionsOf('alice');
    await settle();
    expect(guard.inUse.sockets).toBe(0);
    expect(guard.accounts.of({ id: 'alice' }).flows).toBe(0);
  });

  test('are not more than one session may have', async () => {
    serveWith({ flowsPerSession: 2 });
    const flows = [await ask(), await ask(), await ask()];
    expect(flows.map(({ events }) => events.at(-1))).toEqual(['open', 'open', 'fail LIMIT_REACHED']);
  });

  test('are unsupported where the server carries none', async () => {
    serveWith({}, false);
    expect((await ask()).events).toContain('fail UNSUPPORTED');
  });
});
