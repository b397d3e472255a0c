import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { connect, Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startTunnel, type Tunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

/** One step of docs/architecture.md: `room/file.ts:function`. */
type Step = string;

const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');

/** The steps under a heading, each list of them by itself. */
function waysUnder(heading: string): Step[][] {
  const [, section = ''] = new RegExp(`^## ${heading}\\n([\\s\\S]*?)(?=^## )`, 'm').exec(page) ?? [];
  return section
    .split(/\n\n/)
    .map((part) => [...part.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, step = '']) => step))
    .filter((steps) => steps.length > 0);
}

/** A function of ours in a stack, or in a profile; undefined for others, and for those without a name. */
function stepOf(name: string, url: string): Step | undefined {
  const [, path] = /packages\/(\w+\/src\/[^:?]+\.ts)/.exec(url) ?? [];
  const [bare] = /#?\w+$/.exec(name) ?? [];
  return path === undefined || bare === undefined ? undefined : `${path.replace('/src/', '/')}:${bare}`;
}

/** From the call that came from Node to this one. */
function stackNow(): Step[] {
  return (new Error().stack ?? '')
    .split('\n')
    .flatMap((line) => stepOf(/^ +at (?:\w+\.)*(#?\w+) \(/.exec(line)?.[1] ?? '', line) ?? [])
    .reverse();
}

/** Notes the stack of each write to a socket, and of each call that is put off to the end of the turn. */
function traceWrites(): Step[][] {
  const stacks: Step[][] = [];
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 60;
  const { write } = Socket.prototype;
  const { queueMicrotask } = globalThis;
  const note = (): void => {
    const stack = stackNow();
    if (stack.length > 0) stacks.push(stack);
  };
  Socket.prototype.write = function (this: Socket, ...args: Parameters<Socket['write']>): boolean {
    note();
    return write.apply(this, args);
  } as Socket['write'];
  globalThis.queueMicrotask = (callback) => {
    note();
    queueMicrotask(callback);
  };
  onTestFinished(() => {
    Error.stackTraceLimit = stackTraceLimit;
    Socket.prototype.write = write;
    globalThis.queueMicrotask = queueMicrotask;
  });
  return stacks;
}

/** Every function of ours that is called while `act` runs. */
async function calledDuring(act: () => Promise<void>): Promise<Set<Step>> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
    await session.post('Profiler.takePreciseCoverage');
    await act();
    const { result } = await session.post('Profiler.takePreciseCoverage');
    const called = result.flatMap(({ url, functions }) =>
      functions
        .filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0)
        .flatMap(({ functionName }) => stepOf(functionName, url) ?? []),
    );
    return new Set(called);
  } finally {
    session.disconnect();
  }
}

/** A connection through a tunnel that has carried something, so that nothing happens for the first time any more. */
async function connectedTunnel(): Promise<{
  tunnel: Tunnel;
  relay: CuttingRelay;
  application: Socket;
  received: () => number;
}> {
  let [relay, received] = [undefined as CuttingRelay | undefined, 0];
  const tunnel = await startTunnel({
    client: { heartbeat: 5_000 },
    through: async (port) => {
      relay = await new CuttingRelay(port).start();
      return relay.port;
    },
  });
  const { port } = await listen((socket) => {
    socket.on('data', ({ length }) => {
      received += length;
    });
  });
  const { address } = await tunnel.client.forward({ port: 0, target: `127.0.0.1:${port}` });
  const application = connect((address as { port: number }).port, '127.0.0.1');
  onTestFinished(() => void application.destroy());
  await once(application, 'connect');
  application.write('first');
  await until('it has arrived', () => received === 5);
  return { tunnel, relay: relay as CuttingRelay, application, received: () => received };
}

describe('the ways that docs/architecture.md tells', () => {
  test('of a byte is the way that a byte takes', async () => {
    const { application, received } = await connectedTunnel();
    const stacks = traceWrites();
    application.write('second');
    await until('it has arrived', () => received() === 11);
    const [enters, leaves, arrives] = waysUnder('The way of a byte');
    // Beside them leave acknowledgements.
    const entered = stacks.findIndex((stack) => stack.some((step) => step.endsWith('session-channel.ts:write')));
    expect(stacks[entered]).toEqual(enters);
    const arrived = stacks.findIndex(
      (stack, i) => i > entered && stack.some((step) => step.includes('relay-writer.ts')),
    );
    expect(stacks[arrived]).toEqual(arrives);
    expect(stacks.slice(entered, arrived)).toContainEqual(leaves);
  });

  test('of a heartbeat and of a resume, and all that is named, are functions that run then', async () => {
    const { relay, application, received } = await connectedTunnel();
    const called = await calledDuring(async () => {
      relay.cut('reset');
      application.write('second');
      await until('it has arrived', () => received() === 11);
      const arrived = performance.now();
      let later = 0;
      relay.onBytes = () => {
        // What acknowledges it has passed by then.
        if (performance.now() - arrived > 2_000) later += 1;
      };
      await until('there was a PING, and a PONG', () => later >= 2);
    });
    const named = [...page.matchAll(/`(\w+\/[\w/-]+\.ts:#?\w+)`/g)].map(([, step = '']) => step);
    expect(waysUnder('The way of a heartbeat')[0]).toHaveLength(9);
    expect(waysUnder('The way of a resume')[0]).toHaveLength(10);
    expect(named.filter((step) => !called.has(step))).toEqual([]);
  });

  test('follow few names', () => {
    const files = new Set(
      waysUnder('The way of a byte')
        .flat()
        .map((step) => step.split(':')[0]),
    );
    expect(files.size).toBeLessThanOrEqual(15);
  });
});
