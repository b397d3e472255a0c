import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from 'wsproxy-engine';
import { echo, refuseWith, TestTunnel } from 'wsproxy-test-support/test-tunnel';
import type { LocalPort } from '../../src/accept/accept-local.js';
import { listenControl } from '../../src/accept/control-port.js';
import { RecordStream, type RecordStreamOptions } from '../../src/control/record-stream.js';
import { RecordType } from '../../src/control/records.js';

let folder: string;
let path: string;
let port: LocalPort;
let tunnel: TestTunnel;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wsproxy-control-'));
  path = join(folder, 'control');
  tunnel = new TestTunnel(echo);
  port = await listenControl(tunnel, { at: { path }, logger: silentLogger });
});

afterEach(async () => {
  await port.close();
  await expect.poll(() => tunnel.channelCount).toBe(0);
  rmSync(folder, { recursive: true });
});

/** What asks for a target, and is told what is answered; its input is open. */
function ask(target: string, answers: string[] = []): RecordStream {
  const stream = new RecordStream(connect(path), {
    gone: 'gone without a word',
    onRecord: (type, said) => void answers.push(`${type} ${said}`),
    close: (socket) => socket.destroySoon(),
  });
  stream.say(RecordType.request, target);
  return stream;
}

const QUIET: RecordStreamOptions = {
  gone: 'gone without a word',
  onRecord() {},
  close: (socket) => socket.destroySoon(),
};

async function failureOf(stream: RecordStream): Promise<string> {
  stream.resume();
  const [error] = (await once(stream, 'error')) as [Error];
  return error.message;
}

describe('a control port', () => {
  it('answers a request, and carries both ways to their ends', async () => {
    const answers: string[] = [];
    const stream = ask('example.org:22', answers);
    stream.end('hello');
    expect(await text(stream)).toBe('hello');
    expect(answers).toEqual([`${RecordType.accepted} `]);
    expect(tunnel.opened).toEqual(['example.org:22']);
  });

  it('carries for a hundred at once', async () => {
    const all = Array.from({ length: 100 }, (_, n) => {
      const stream = ask('example.org:22');
      stream.end(String(n));
      return text(stream);
    });
    expect(await Promise.all(all)).toEqual(Array.from({ length: 100 }, (_, n) => String(n)));
  });

  it('tells why the destination was not reached', async () => {
    tunnel.farEnd = refuseWith('NAME_NOT_FOUND');
    expect(await failureOf(ask('example.org:22'))).toBe('host name not found');
  });

  it('takes what is still written after a failure, which would be lost for its writer otherwise', async () => {
    tunnel.farEnd = refuseWith('NAME_NOT_FOUND');
    const socket = connect({ path, allowHalfOpen: true });
    socket.write(Buffer.from([RecordType.request, 0, 0, 3, ...Buffer.from('a:1')]));
    let answer = '';
    socket.on('data', (bytes: Buffer) => {
      answer += bytes;
    });
    await once(socket, 'end');
    expect(answer).toMatch(/host name not found$/);
    socket.end(Buffer.from([RecordType.end, 0, 0, 0]));
    await once(socket, 'close');
    expect(socket.errored).toBeNull();
  });

  it('dials nothing for what is no target', async () => {
    const answers: string[] = [];
    expect(await failureOf(ask('nonsense', answers))).toBe('not a valid host and port');
    expect([answers, tunnel.opened]).toEqual([[], []]);
  });

  it.each([
    ['a second request', Buffer.from([RecordType.request, 0, 0, 1, 0x78])],
    ['no record', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ])('resets the channel of what sends %s', async (_what, bytes) => {
    const socket = connect(path);
    const stream = new RecordStream(socket, QUIET);
    stream.say(RecordType.request, 'example.org:22');
    await expect.poll(() => tunnel.channelCount).toBe(2);
    socket.write(bytes);
    expect(await failureOf(stream)).toMatch(/one request|no record/);
  });

  it('takes a connection that is cut for no end', async () => {
    const socket = connect(path);
    const stream = new RecordStream(socket, QUIET);
    stream.on('error', () => {});
    stream.say(RecordType.request, 'example.org:22');
    stream.write('part');
    await once(stream, 'data');
    socket.destroy();
    await expect.poll(() => tunnel.channelCount).toBe(0);
  });

  it('lets go of anyone who comes and says nothing, when it is closed', async () => {
    const socket: Socket = connect(path);
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    await port.close();
    socket.resume();
    await closed;
  });
});
