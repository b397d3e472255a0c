import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import type { OfferedChannel } from 'wsproxy-engine';
import { ChannelStream } from 'wsproxy-node/relay';
import type { OpenOptions } from '../src/calls/call-desk.js';
import type { Server } from '../src/server.js';
import { StoreError } from '../src/store/store.js';
import { closeWith, Peer, until } from './peer.js';
import { type Started, Together } from './together.js';

/** A client that is called, and what it does with each call. */
async function connect({ port }: Started, onCall: (channel: OfferedChannel, service: string) => void, value = 1) {
  const peer = new Peer(value, 60_000, onCall);
  const ws = await peer.connect(port);
  return { peer, ws };
}

/** Sends back what comes, in capitals, and ends when that ends. */
function echo(channel: OfferedChannel): void {
  channel.accept();
  const stream = new ChannelStream(channel, { allowHalfOpen: true });
  stream.on('error', () => {});
  stream.on('data', (chunk) => stream.write(String(chunk).toUpperCase()));
  stream.on('end', () => stream.end());
}

const user = 'default';

/** What `open` brings, which may fail as the test ends. */
async function open(server: Server, options: OpenOptions = {}): Promise<Duplex> {
  const stream = await server.open(user, 'news', options);
  return stream.on('error', () => {});
}

test('a call reaches a client whose session is in another process', async () => {
  const together = new Together();
  const [owner, caller] = [await together.start(), await together.start()];
  const services: string[] = [];
  await connect(owner, (channel, service) => {
    services.push(service);
    echo(channel);
  });
  const stream = await open(caller.server, { allowHalfOpen: true });
  stream.end('hello');
  expect([await text(stream), services]).toEqual(['HELLO', ['news']]);
});

test('what a client with much to say has written comes whole, and waits for its reader', async () => {
  const together = new Together();
  const [owner, caller] = [await together.start(), await together.start()];
  const size = 32 * 1024 * 1024;
  let written = 0;
  await connect(owner, (channel) => {
    channel.accept();
    const stream = new ChannelStream(channel).on('error', () => {});
    const block = Buffer.alloc(65_536, 'x');
    const write = (): void => {
      while (written < size) {
        written += block.length;
        if (!stream.write(block)) return void stream.once('drain', write);
      }
      stream.end();
    };
    write();
  });
  const stream = await open(caller.server);
  await until(() => stream.readableLength >= stream.readableHighWaterMark);
  let read = 0;
  for await (const chunk of stream) read += chunk.length;
  expect([read, written]).toEqual([size, size]);
});

test.each<[string, (channel: OfferedChannel) => void, string]>([
  ['says no', (channel) => channel.refuse('DENIED'), 'DENIED'],
  ['is lost before it has answered', (channel) => channel.refuse('SESSION_LOST'), 'SESSION_LOST'],
])('a call fails as it would here when the client %s', async (_what, onCall, code) => {
  const together = new Together();
  const [owner, caller] = [await together.start(), await together.start()];
  await connect(owner, onCall);
  await expect(open(caller.server)).rejects.toMatchObject({ code });
});

test('a reset at either end is a reset at the other', async () => {
  const together = new Together();
  const [owner, caller] = [await together.start(), await together.start()];
  const streams: ChannelStream[] = [];
  await connect(owner, (channel) => {
    channel.accept();
    const stream = new ChannelStream(channel);
    stream.on('error', () => {});
    streams.push(stream);
  });
  const first = await open(caller.server);
  await until(() => streams.length === 1);
  first.destroy(new Error('no more'));
  await until(() => streams[0]?.destroyed === true);
  expect(streams[0]?.errored).toMatchObject({ code: 'CANCELLED' });

  const second = await open(caller.server);
  await until(() => streams.length === 2);
  const failed = once(second, 'error');
  streams[1]?.destroy(new Error('no more'));
  expect(await failed).toMatchObject([{ code: 'CANCELLED' }]);
});

test('the end of the session is told by its name', async () => {
  const together = new Together();
  const [owner, caller] = [await together.start(), await together.start()];
  await connect(owner, (channel) => channel.accept());
  const stream = await open(caller.server);
  const failed = once(stream, 'error');
  owner.server.endSessions(user);
  expect(await failed).toMatchObject([{ code: 'SESSION_LOST' }]);
});

test('one client after the other is asked, and none once one has taken it', async () => {
  const together = new Together();
  const [first, second, caller] = [await together.start(), await together.start(), await together.start()];
  const asked: string[] = [];
  const answer = (name: string) => (channel: OfferedChannel) => {
    asked.push(name);
    if (asked.length === 1) channel.refuse('DENIED');
    else channel.accept();
  };
  await connect(first, answer('first'), 1);
  await connect(second, answer('second'), 2);
  await open(caller.server);
  expect(asked.toSorted()).toEqual(['first', 'second']);
  await open(caller.server);
  expect(asked.length).toBe(3);
});

test('a user who has no session anywhere is not waited for', async () => {
  const together = new Together();
  const [, caller] = [await together.start(), await together.start()];
  await expect(open(caller.server)).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
});

test('a client that is away is waited for, and called when it is back', async () => {
  const together = new Together();
  const [owner, caller] = [await together.start(), await together.start()];
  const { peer, ws } = await connect(owner, echo);
  ws.terminate();
  await peer.lost;
  await until(() => owner.server.sessions().every(({ attached }) => !attached));
  const opening = open(caller.server, { allowHalfOpen: true });
  await peer.connect(owner.port);
  const stream = await opening;
  stream.end('hello');
  expect(await text(stream)).toBe('HELLO');
});

test('nobody waits for a client whose process ends', async () => {
  const together = new Together();
  const [owner, caller] = [await together.start(), await together.start()];
  let calls = 0;
  await connect(owner, () => {
    calls += 1;
  });
  const opening = open(caller.server);
  opening.catch(() => {});
  await until(() => calls === 1);
  closeWith(() => opening.catch(() => {}));
  await owner.server.close();
  await expect(opening).rejects.toMatchObject({ code: 'SESSION_LOST' });
});

test('while the store does not answer a call waits for it', async () => {
  const together = new Together();
  const [owner, caller] = [await together.start(), await together.start()];
  await connect(owner, echo);
  const { find } = together.store;
  let asked = 0;
  together.store.find = () => {
    asked += 1;
    together.store.find = find;
    throw new StoreError('away', 'it does not answer');
  };
  const stream = await open(caller.server, { allowHalfOpen: true });
  stream.end('hello');
  expect([await text(stream), asked]).toEqual(['HELLO', 1]);
});
