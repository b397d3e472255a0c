import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { type Flow, type Target, TunnelError } from 'wsproxy-engine';
import { type FakeFlow, FakeFlows } from 'wsproxy-test-support/fake-flows';
import { DatagramSocket } from '../../src/sockets/datagram-socket.js';

const PEER: Target = { host: 'dns.example', port: 53 };

function prepare(target?: Target) {
  const flows = new FakeFlows();
  const awake: [Flow, boolean][] = [];
  const socket = new DatagramSocket(flows, target, (flow, isReferenced) => awake.push([flow, isReferenced]));
  const events: unknown[][] = [];
  socket.on('open', () => events.push(['open']));
  socket.on('message', (data, from) => events.push(['message', data.toString(), from]));
  socket.on('close', () => events.push(['close']));
  return { socket, flow: flows.last, events, awake };
}

describe('a socket with one peer', () => {
  test('sends before it is open, and tells what comes, from the peer as it was named', async () => {
    const { socket, flow, events } = prepare(PEER);
    socket.send('early');
    await once(socket, 'open');
    socket.send(Buffer.from('later'));
    flow.deliver('answer');
    expect(flow.target).toEqual(PEER);
    expect(flow.sent).toEqual(['early', 'later']);
    expect(events).toEqual([['open'], ['message', 'answer', PEER]]);
  });

  test('takes no other one', () => {
    const { socket, flow } = prepare(PEER);
    expect(() => socket.send('x', '192.0.2.1:53')).toThrow(new TypeError('this socket has one peer, dns.example:53'));
    expect(flow.sent).toEqual([]);
  });
});

describe('a socket for any peer', () => {
  test('sends each datagram where it says, and tells where one comes from', () => {
    const { socket, flow, events } = prepare();
    socket.send('a', 'Example.ORG:53');
    socket.send('b', { host: '2001:db8::1', port: 443 });
    flow.deliver('c', { host: '192.0.2.7', port: 9 });
    expect(flow.sent).toEqual(['a to example.org 53', 'b to 2001:db8::1 443']);
    expect(events).toEqual([['message', 'c', { host: '192.0.2.7', port: 9 }]]);
  });

  test.each([undefined, 'example.org', 'a:0', { host: 'a b', port: 1 }, {}])('throws for %j', (to) => {
    const { socket, flow } = prepare();
    expect(() => socket.send('x', to as string)).toThrow(TypeError);
    expect(flow.sent).toEqual([]);
  });
});

describe('a message', () => {
  test('stays what it was when the memory that brought it is used again', () => {
    const { socket, flow } = prepare(PEER);
    const messages: Buffer[] = [];
    socket.on('message', (data) => messages.push(data));
    flow.deliver('first');
    expect(messages.map(String)).toEqual(['first']);
  });

  test.each([0, 65_507])('of %i bytes is sent', (length) => {
    const { socket, flow } = prepare(PEER);
    socket.send(Buffer.alloc(length));
    expect(flow.sent.map((text) => text.length)).toEqual([length]);
  });

  test.each([
    [undefined, 'undefined'],
    [7, '7'],
    [[1, 2], 'Array'],
    [new ArrayBuffer(4), 'ArrayBuffer'],
    [new Uint16Array(2), 'Uint16Array'],
  ])('that is no bytes is a TypeError: %j', (data, shown) => {
    const { socket, flow } = prepare(PEER);
    const error = new TypeError(`not a datagram: ${shown}; expected a Uint8Array or a text`);
    expect(() => socket.send(data as never)).toThrow(error);
    expect(flow.sent).toEqual([]);
  });

  test('that UDP cannot carry is a RangeError', () => {
    const { socket } = prepare(PEER);
    expect(() => socket.send(Buffer.alloc(65_508))).toThrow(
      new RangeError('a datagram has at most 65507 bytes: 65508'),
    );
  });
});

describe('the end', () => {
  test('comes by close, once, without an error, and nothing is sent or told behind it', async () => {
    const { socket, flow, events } = prepare(PEER);
    await once(socket, 'open');
    socket.close();
    socket.close();
    socket.send('late');
    flow.deliver('late');
    expect(events).toEqual([['open']]);
    await once(socket, 'close');
    expect([events, flow.figures.failure, flow.sent]).toEqual([[['open'], ['close']], 'CANCELLED', []]);
  });

  test('comes by disposal', async () => {
    const { socket, flow } = prepare(PEER);
    {
      using _disposed = socket;
    }
    await once(socket, 'close');
    expect(flow.figures.failure).toBe('CANCELLED');
  });

  test.each([
    ['is refused', PEER, (flow: FakeFlow) => flow.fail('DENIED'), 'DENIED', 'dns.example:53: destination not allowed'],
    ['is ended', PEER, (flow: FakeFlow) => flow.close('SESSION_LOST'), 'SESSION_LOST', 'dns.example:53: session lost'],
    ['is idle', undefined, (flow: FakeFlow) => flow.close('TIMED_OUT'), 'TIMED_OUT', 'nothing moved for too long'],
  ])('tells why when the flow %s, then that it is closed', async (_title, target, end, code, text) => {
    const { socket, flow, events } = prepare(target);
    const failed = once(socket, 'error');
    end(flow);
    const [error] = await failed;
    expect(error).toBeInstanceOf(TunnelError);
    expect(error).toMatchObject({ code, message: text });
    expect(events).toEqual([['close']]);
  });

  test('comes without an error when the program closes the client', async () => {
    const { socket, flow, events } = prepare(PEER);
    await once(socket, 'open');
    flow.close('CANCELLED');
    await once(socket, 'close');
    expect(events).toEqual([['open'], ['close']]);
  });

  test('of a tunnel that is closed already is told to who listens as soon as the socket is there', async () => {
    const flows = new FakeFlows();
    const openFlow: FakeFlows['openFlow'] = (target, handler) => {
      const flow = flows.openFlow(target, handler);
      flow.close();
      return flow;
    };
    const [error] = await once(new DatagramSocket({ openFlow }, PEER), 'error');
    expect(error).toMatchObject({ code: 'CANCELLED' });
  });
});

test('the process need not live for it when the program says so', () => {
  const { socket, flow, awake } = prepare(PEER);
  expect(socket.unref().ref()).toBe(socket);
  expect(awake).toEqual([
    [flow, false],
    [flow, true],
  ]);
});

test('figures are those of its flow', () => {
  const { socket, flow } = prepare(PEER);
  socket.send('four');
  expect(socket.figures).toEqual(flow.figures);
  expect(socket.figures).toMatchObject({ datagramsSent: 1, bytesSent: 4 });
});
