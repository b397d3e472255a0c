import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Logger, type Target, TunnelError } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { createPolicies } from 'wsproxy-node/dial';
import { createUdpDial } from 'wsproxy-node/dial/udp';
import { udpDestination } from 'wsproxy-test-support/destinations/udp-destination';
import { FakeFlow } from 'wsproxy-test-support/fake-flow';
import { createFlowHandler } from '../../src/flows/flow-handler.js';
import type { AcceptFlow } from '../../src/flows/served-flow.js';
import { SessionFlows } from '../../src/flows/session-flows.js';
import { Guard } from '../../src/limits/guard.js';
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.js';
import { createAccessLog } from '../../src/observe/access-log.js';
import { type FlowRecord, Observers, type OpenedFlow } from '../../src/observe/observer.js';
import type { User } from '../../src/users/user.js';

let logged: { message: string; fields: Record<string, unknown> }[];
let observed: (OpenedFlow | FlowRecord)[];
let hits: string[];
let flows: FakeFlow[];

beforeEach(() => {
  [logged, observed, hits, flows] = [[], [], [], []];
});

afterEach(() => {
  for (const flow of flows) flow.close();
});

/** A session of a server, and how it is asked for flows. */
function prepare({ limits = {}, acceptFlow, logTargets = true }: Prepared = {}) {
  const log = (fields: object, message: string): number => logged.push({ message, fields: { ...fields } });
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const clock = new FakeClock();
  const guard = new Guard({ limits: resolveLimits(limits), clock, logger, onLimit: (limit) => hits.push(limit) });
  const observer = new Observers((error) => {
    throw error;
  });
  observer.add({ onFlowOpened: (flow) => observed.push(flow), onFlowOver: (record) => observed.push(record) });
  observer.add(createAccessLog(guard.lines));
  const policies = createPolicies({ allowPrivate: true }, {});
  const resolver = {
    async resolve(name: string) {
      if (name === 'here.example') return ['127.0.0.1'];
      throw new TunnelError('NAME_NOT_FOUND', `no ${name}`);
    },
  };
  const handler = createFlowHandler({
    relayFlow: createUdpDial({ clock, resolver }),
    policyOf: ({ policy }) => policies(policy),
    ...{ guard, logger, observer, logTargets, acceptFlow },
  });
  const living: { shortId: string; user: User; caller: { probe?: true }; awaySince: number | undefined } = {
    ...{ shortId: '01020304', user: { id: 'alice' }, caller: {}, awaySince: undefined },
  };
  const session = new SessionFlows(living, guard);
  const ask = async (target?: Target): Promise<FakeFlow> => {
    const flow = new FakeFlow(target);
    flows.push(flow);
    handler.serve(flow, session);
    await flow.answered();
    return flow;
  };
  return { ask, session, living, guard, handler, clock };
}

interface Prepared {
  readonly limits?: LimitOptions;
  readonly acceptFlow?: AcceptFlow;
  readonly logTargets?: boolean;
}

const over = (): FlowRecord => observed.at(-1) as FlowRecord;
const linesOf = (message: string) => logged.filter((line) => line.message === message).map(({ fields }) => fields);

describe('a flow', () => {
  test('carries what comes right behind the request, of any size', async () => {
    const { peer } = await udpDestination();
    const { handler, session } = prepare();
    const flow = new FakeFlow(peer);
    flows.push(flow);
    handler.serve(flow, session);
    flow.say(Buffer.alloc(60_000, 'a'));
    await flow.until(1);
    expect(flow.bytes[0]).toHaveLength('echo: '.length + 60_000);
  });

  test('is accepted, carries datagrams, and is recorded when it is over', async () => {
    const { peer } = await udpDestination();
    const { ask, session } = prepare();
    const flow = await ask();
    expect(flow.isAccepted).toBe(true);
    flow.say('hello', peer);
    flow.say('denied', { host: 'none.example', port: 9 });
    await flow.until(1);
    const sums = {
      datagramsUp: 1,
      bytesUp: 5,
      datagramsDown: 1,
      bytesDown: 11,
      destinations: 2,
      dropped: { denied: 1 },
    };
    expect(session.describe()).toEqual([{ target: undefined, open: true, ageMs: 0, ...sums }]);
    flow.drops = { tooBig: 0, full: 2, late: 3, unaddressed: 0 };
    flow.close();
    const names = { user: 'alice', session: '01020304', flow: 1, target: undefined, address: undefined };
    const dropped = { denied: 1, full: 2, late: 3 };
    const record = { ...names, refused: false, outcome: 'ok', ...sums, dropped, durationMs: 0 };
    expect(observed).toEqual([names, record]);
    const { refused: _, ...line } = record;
    expect(linesOf('flow over')).toEqual([line]);
    expect(session.describe()).toEqual([]);
    expect(session.figures).toEqual({ flows: 1, flowBytesUp: 5, flowBytesDown: 11 });
  });

  test('with one peer tells where that is', async () => {
    const { peer } = await udpDestination();
    const { ask } = prepare();
    const flow = await ask({ host: 'here.example', port: peer.port });
    expect(observed).toMatchObject([{ target: `here.example:${peer.port}`, address: '127.0.0.1' }]);
    flow.close('TIMED_OUT');
    expect(over()).toMatchObject({ outcome: 'TIMED_OUT', refused: false, destinations: 1 });
  });

  test('of doctor is marked, unless it has sent something', async () => {
    const { peer } = await udpDestination();
    const { ask, living } = prepare();
    living.caller.probe = true;
    (await ask()).close();
    expect(observed).toMatchObject([{ probe: true }, { probe: true, outcome: 'ok' }]);
    const used = await ask();
    used.say('hello', peer);
    await used.until(1);
    used.close();
    expect(over()).not.toHaveProperty('probe');
    (await ask(peer)).close();
    expect(over()).not.toHaveProperty('probe');
  });

  test.each<[Target, string, string]>([
    [{ host: '224.0.0.1', port: 9 }, 'DENIED', '224.0.0.1:9: 224.0.0.1 denied:multicast'],
    [{ host: 'none.example', port: 9 }, 'NAME_NOT_FOUND', 'no none.example'],
  ])('for %j is refused: %s', async (target, code, reason) => {
    const { ask, session } = prepare();
    const flow = await ask(target);
    expect([flow.failure, flow.isAccepted]).toEqual([code, false]);
    expect(linesOf('flow refused')).toMatchObject([{ user: 'alice', flow: 1, code, reason }]);
    expect(over()).toMatchObject({ refused: true, outcome: code });
    expect(session.describe()).toEqual([]);
  });

  test('beyond what its user may have is refused, and tells which limit that is', async () => {
    const { ask } = prepare({ limits: { flowsPerUser: 1 } });
    await ask();
    const flow = await ask();
    expect(flow.failure).toBe('LIMIT_REACHED');
    expect(hits).toEqual(['flowsPerUser']);
    expect(linesOf('flow refused')).toMatchObject([{ reason: 'the limit flowsPerUser is reached' }]);
    flows[0]?.close();
    expect((await ask()).isAccepted).toBe(true);
  });

  test('that the session does not take is recorded, too', () => {
    const { handler, session } = prepare();
    const [full, late] = [new FakeFlow(), new FakeFlow()];
    handler.turnAway(full, session, 'LIMIT_REACHED');
    handler.turnAway(late, session, 'GOING_AWAY');
    expect([full.failure, late.failure]).toEqual(['LIMIT_REACHED', 'GOING_AWAY']);
    expect(hits).toEqual(['flowsPerSession']);
    expect(observed).toHaveLength(2);
  });

  test('given up while its name is looked up holds nothing, and is not refused', async () => {
    const { guard, handler, session } = prepare();
    const flow = new FakeFlow({ host: 'here.example', port: 9 });
    handler.serve(flow, session);
    flow.close();
    await turn();
    expect(over()).toMatchObject({ outcome: 'ok', refused: false });
    expect(linesOf('flow refused')).toEqual([]);
    expect(guard.inUse.sockets).toBe(0);
  });

  test('is judged by the rules that its user has now', async () => {
    const { peer } = await udpDestination();
    const { ask, living } = prepare();
    const flow = await ask();
    flow.say('a', peer);
    await flow.until(1);
    living.user = { id: 'alice', policy: { deny: ['127.0.0.0/8'] } };
    flow.say('b', peer);
    await turn();
    expect(flow.received).toHaveLength(1);
    expect(linesOf('datagrams refused')).toMatchObject([{ code: 'DENIED', target: `127.0.0.1:${peer.port}` }]);
  });

  test('is not silent while its client is away', async () => {
    const { ask, living, clock } = prepare();
    const flow = await ask();
    living.awaySince = 0;
    clock.advance(500_000);
    expect(flow.failure).toBeUndefined();
    living.awaySince = undefined;
    clock.advance(120_000);
    expect(flow.failure).toBe('TIMED_OUT');
  });
});

describe('the log', () => {
  test('says nothing of what users send to where it may not', async () => {
    const { ask } = prepare({ logTargets: false });
    const flow = await ask();
    flow.say('a', { host: 'none.example', port: 9 });
    await ask({ host: 'other.example', port: 9 });
    await turn();
    const [refused, ended] = [linesOf('datagrams refused'), linesOf('flow refused')];
    expect([refused, ended].map((lines) => lines.length)).toEqual([1, 1]);
    expect(JSON.stringify([refused, ended, linesOf('flow opened')])).not.toContain('example');
  });

  test('has some lines of a flood of flows that do nothing, and the number of the others', async () => {
    const { ask, guard } = prepare({ limits: { flowsPerUser: 100 } });
    for (let i = 0; i < 1_000; i += 1) (await ask()).close();
    guard.lines.close();
    const lines = linesOf('flow over');
    expect(lines.length).toBeLessThan(200);
    expect(lines.reduce((sum, { unlogged = 0 }) => sum + 1 + Number(unlogged), 0)).toBe(1_000);
  });

  test('has every flow that has sent something', async () => {
    const { peer } = await udpDestination();
    const { ask } = prepare();
    for (let i = 0; i < 300; i += 1) {
      const flow = await ask();
      flow.say('a', peer);
      flow.close();
    }
    expect(linesOf('flow over')).toHaveLength(300);
  });
});

describe('the embedding program', () => {
  test('is asked about each flow, and only true lets it through', async () => {
    const asked: unknown[] = [];
    const acceptFlow: AcceptFlow = (request) => {
      asked.push(request);
      return request.host === undefined;
    };
    const { ask } = prepare({ acceptFlow });
    expect((await ask()).isAccepted).toBe(true);
    expect((await ask({ host: '127.0.0.1', port: 9 })).failure).toBe('DENIED');
    const user = { id: 'alice' };
    expect(asked).toEqual([
      { user, host: undefined, port: undefined },
      { user, host: '127.0.0.1', port: 9 },
    ]);
  });

  test('that fails refuses the flow', async () => {
    const acceptFlow = () => Promise.reject(new Error('the database is away'));
    const { ask } = prepare({ acceptFlow });
    expect((await ask()).failure).toBe('INTERNAL');
    expect(linesOf('flow refused')).toMatchObject([{ reason: 'Error: the database is away' }]);
  });
});
