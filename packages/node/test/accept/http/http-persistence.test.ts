import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { refuseWith } from 'wsproxy-test-support/test-tunnel';
import { message, GET as UNBOUND, URI, useForwarding } from '../forward-fixture.js';

const forwarding = useForwarding();
/** Authenticates the connection, which is why it is kept. */
const NTLM = 'Authorization: NTLM TlRMTVNTUAAB';
const GET = message(`GET ${URI} HTTP/1.1`, NTLM);
const OTHER = message('GET http://other.example/ HTTP/1.1', NTLM);

function ok(content: string, ...headers: string[]): string {
  return message('HTTP/1.1 200 OK', `Content-Length: ${content.length}`, ...headers) + content;
}

/** Answers each request without content with the number of its connection and its own number there. */
async function counting(
  onRequest = (socket: Socket, answer: string) => void socket.write(ok(answer)),
  { dialled } = forwarding,
) {
  const destination = await dialled((socket) => {
    const connection = destination.sockets.length;
    let requests = 0;
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        text = text.slice(end + 4);
        requests += 1;
        onRequest(socket, `#${connection}.${requests}`);
      }
    });
    socket.once('end', () => socket.end());
  });
  return destination;
}

const answers = (text: string): string[] => text.match(/#\d+\.\d+/g) ?? [];

describe('requests of one connection', () => {
  it('to one origin go over one connection to it, one after the other', async () => {
    await counting();
    const application = await forwarding.port.send(GET);
    await application.until((text) => text.endsWith('#1.1'));
    await application.send(GET).until((text) => text.endsWith('#1.2'));
    expect(application.text).toContain('\r\nConnection: keep-alive\r\n');
    expect(forwarding.port.tunnel.opened).toEqual(['example.org:8080']);
  });

  it('that come before the answer to the one before wait for it', async () => {
    await counting();
    const application = await forwarding.port.send(GET + GET + OTHER + GET);
    const { text } = await application.endHalf().closed();
    expect(answers(text)).toEqual(['#1.1', '#1.2', '#2.1', '#3.1']);
  });

  it('of one application share nothing with those of another', async () => {
    await counting();
    for (const answer of ['#1.1', '#2.1']) {
      const application = await forwarding.port.send(GET);
      await application.until((text) => text.endsWith(answer));
    }
  });

  it('to another origin end the connection to the one before', async () => {
    const { sockets } = await counting();
    const application = await forwarding.port.send(GET);
    await application.until((text) => text.endsWith('#1.1'));
    await application.send(OTHER).until((text) => text.endsWith('#2.1'));
    await expect.poll(() => sockets[0]?.readableEnded).toBe(true);
    expect(forwarding.port.tunnel.opened).toEqual(['example.org:8080', 'other.example:80']);
  });

  it('to another origin, which it has not authenticated, are one', async () => {
    await counting();
    const application = await forwarding.port.send(GET);
    await application.until((text) => text.endsWith('#1.1'));
    const plain = message('GET http://other.example/ HTTP/1.1', 'Host: other.example');
    const { text } = await application.send(plain + plain).closed();
    expect(answers(text)).toEqual(['#1.1', '#2.1']);
    expect(text).toContain('\r\nConnection: close\r\n');
  });

  it('may end with a CONNECT', async () => {
    await counting();
    const application = await forwarding.port.send(GET);
    await application.until((text) => text.endsWith('#1.1'));
    application.send(message('CONNECT other.example:443 HTTP/1.1'));
    await application.until((text) => text.endsWith('established\r\n\r\n'));
    await application.send('GET / HTTP/1.1\r\n\r\n').until((text) => text.endsWith('#2.1'));
    expect(forwarding.port.tunnel.opened).toEqual(['example.org:8080', 'other.example:443']);
  });

  it('keep their bounds: who takes no answers is not asked for more requests', async () => {
    let asked = 0;
    await counting((socket) => {
      asked += 1;
      socket.write(ok('x'.repeat(65_536)));
    });
    const application = await forwarding.port.connect();
    application.socket.pause();
    application.send(GET.repeat(2_000));
    let before = -1;
    await expect
      .poll(
        () => {
          const stands = asked === before && asked > 0;
          before = asked;
          return stands;
        },
        { interval: 200, timeout: 8_000 },
      )
      .toBe(true);
    expect(asked).toBeLessThan(1_000);
    application.socket.resetAndDestroy();
  });
});

describe('requests of one connection of two users', () => {
  const names = ['alice', 'bob'];
  const users = names.map((name) => ({ name, sha256: createHash('sha256').update(name).digest('hex') }));
  const shared = useForwarding({ users });

  it('share no authenticated connection to their origin', async () => {
    await counting(undefined, shared);
    const by = (name: string) =>
      message(`GET ${URI} HTTP/1.1`, NTLM, `Proxy-Authorization: Basic ${btoa(`${name}:${name}`)}`);
    const application = await shared.port.send(by('alice'));
    for (const [name, answer] of [
      ['alice', '#1.2'],
      ['bob', '#2.1'],
      ['alice', '#3.1'],
    ] as const) {
      await application.send(by(name)).until((text) => text.endsWith(answer));
    }
  });
});

describe('a connection ends behind its answer', () => {
  const http10 = message(`GET ${URI} HTTP/1.0`, NTLM, 'Connection: keep-alive');
  it.each([
    ['nothing was authenticated', UNBOUND, ok('#1.1')],
    ['the application asks for it', message(`GET ${URI} HTTP/1.1`, NTLM, 'Connection: close'), ok('#1.1')],
    ['it asks for it as of a proxy', message(`GET ${URI} HTTP/1.1`, NTLM, 'Proxy-Connection: close'), ok('#1.1')],
    ['it speaks HTTP/1.0', http10, ok('#1.1')],
    ['the destination asks for it', GET, ok('#1.1', 'Connection: close')],
    ['the destination speaks HTTP/1.0', GET, ok('#1.1').replace('HTTP/1.1', 'HTTP/1.0')],
    ['the answer was mended', GET, ok('#1.1').replace('Content-Length:', 'Content-Length :')],
  ])('and says so, when %s', async (_title, request, answer) => {
    await counting((socket) => void socket.write(answer));
    const { text, end } = await (await forwarding.port.send(request + GET)).closed();
    expect(text).toMatch(/\r\nConnection: close\r\n[^]*#1\.1$/);
    expect([answers(text), end]).toEqual([['#1.1'], 'closed']);
    expect(forwarding.port.tunnel.opened).toHaveLength(1);
  });

  it('when bytes come behind it, which are for nobody', async () => {
    await counting((socket) => void socket.write(`${ok('#1.1')}HTTP/1.1 200 OK\r\n\r\n#evil`));
    const { text, end } = await (await forwarding.port.send(GET + GET)).closed();
    expect([answers(text), text.includes('evil'), end]).toEqual([['#1.1'], false, 'closed']);
  });

  it('when more than is kept came behind it', async () => {
    const { sockets } = await counting(() => {});
    const application = await forwarding.port.send(GET);
    await new Promise((resolve) => application.socket.write(Buffer.alloc(16_000_000), resolve));
    await expect.poll(() => sockets.length).toBe(1);
    sockets[0]?.write(ok('#1.1'));
    const { text, end } = await application.closed();
    expect([answers(text), end]).toEqual([['#1.1'], 'closed']);
  });

  it('when bytes come later, unasked', async () => {
    const { sockets } = await counting();
    const application = await forwarding.port.send(GET);
    await application.until((text) => text.endsWith('#1.1'));
    sockets[0]?.write('HTTP/1.1 408 Request Timeout\r\n\r\n');
    expect(await application.closed()).toMatchObject({ end: 'closed', text: expect.stringMatching(/#1\.1$/) });
  });

  it.each([
    ['ends', (socket: Socket | undefined) => socket?.end(), 'closed'],
    ['resets', (socket: Socket | undefined) => socket?.resetAndDestroy(), 'reset'],
  ] as const)('as the destination %s what is idle', async (_title, finish, end) => {
    const { sockets } = await counting();
    const application = await forwarding.port.send(GET);
    await application.until((text) => text.endsWith('#1.1'));
    finish(sockets[0]);
    expect(await application.closed()).toMatchObject({ end, text: expect.stringMatching(/#1\.1$/) });
  });

  it.each([
    ['ends', (socket: Socket) => socket.end(), 'closed'],
    ['resets', (socket: Socket) => socket.resetAndDestroy(), 'reset'],
  ] as const)(
    'without a word of ours when the destination %s it in place of an answer',
    async (_title, finish, end) => {
      await counting((socket, answer) => (answer === '#1.1' ? void socket.write(ok(answer)) : void finish(socket)));
      const application = await forwarding.port.send(GET);
      await application.until((text) => text.endsWith('#1.1'));
      application.send(GET);
      const outcome = await application.closed();
      expect([outcome.text.match(/HTTP\/1\.1 /g)?.length, outcome.end]).toEqual([1, end]);
    },
  );

  it('with 502 when the destination answers nothing on a new one', async () => {
    await counting((socket, answer) => (answer === '#1.1' ? void socket.write(ok(answer)) : void socket.end()));
    const application = await forwarding.port.send(GET + OTHER);
    expect((await application.closed()).text).toMatch(/#1\.1HTTP\/1\.1 502 /);
  });

  it('with what its content has too much, which is no request', async () => {
    await counting();
    const upload = `${message(`POST ${URI} HTTP/1.1`, NTLM, 'Content-Length: 0')} and more`;
    const { text, end } = await (await forwarding.port.send(upload)).closed();
    expect([answers(text), text.match(/HTTP\/1\.1 /g)?.length, end]).toEqual([['#1.1'], 1, 'closed']);
  });

  it('when a request is refused, with the reason', async () => {
    await counting();
    const application = await forwarding.port.send(GET);
    await application.until((text) => text.endsWith('#1.1'));
    application.send(`${message('GET / HTTP/1.1')}${GET}`);
    const { text, end } = await application.closed();
    expect([answers(text), end]).toEqual([['#1.1'], 'closed']);
    expect(text).toMatch(/#1\.1HTTP\/1\.1 400 [^]*\r\n\r\nwsproxy-client: not a proxy request\n$/);
  });

  it('when a later target cannot be reached', async () => {
    await counting();
    const application = await forwarding.port.send(GET);
    await application.until((text) => text.endsWith('#1.1'));
    forwarding.port.tunnel.farEnd = refuseWith('DENIED');
    const { text, end } = await application.send(OTHER).closed();
    expect([text.match(/HTTP\/1\.1 403 /g)?.length, end]).toEqual([1, 'closed']);
  });
});

describe('a request that goes on behind its answer', () => {
  const head = message(`POST ${URI} HTTP/1.1`, NTLM, 'Content-Length: 10');

  it('is completed, and the connection kept', async () => {
    const { sockets } = await counting();
    const application = await forwarding.port.send(`${head}12345`);
    await application.until((text) => text.endsWith('#1.1'));
    application.send('67890');
    await expect.poll(() => sockets[0]?.bytesRead).toBeGreaterThan(10);
    await application.send(GET).until((text) => text.endsWith('#1.2'));
    expect(forwarding.port.tunnel.opened).toHaveLength(1);
  });

  it('is not waited for when it stops', async () => {
    await counting();
    const application = await forwarding.port.send(`${head}12345`);
    const { text, end } = await application.closed();
    expect([answers(text), end]).toEqual([['#1.1'], 'closed']);
  });
});

describe('a connection without a request', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    ['is closed after two minutes', '', 120_000],
    ['is closed as soon as any other when a request stops in the middle', 'GET http://exa', 10_000],
    ['waits as long when nothing but empty lines come', '\r\n\r\n', 120_000],
  ])('%s, in silence', async (_title, input, ms) => {
    const { sockets } = await counting();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const application = await forwarding.port.send(GET);
    await application.until((text) => text.endsWith('#1.1'));
    if (input !== '') application.send(input);
    let waited = 0;
    for (; !application.socket.readableEnded && waited < 200_000; waited += 1_000) {
      await vi.advanceTimersByTimeAsync(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(waited).toBeGreaterThanOrEqual(ms);
    // What is sent takes some turns.
    expect(waited).toBeLessThan(ms + 10_000);
    vi.useRealTimers();
    const { text, end } = await application.closed();
    expect([answers(text), text.match(/HTTP/g)?.length, end]).toEqual([['#1.1'], 1, 'closed']);
    await expect.poll(() => sockets[0]?.readableEnded).toBe(true);
  });
});

it('an application that goes away ends the connection that was kept', async () => {
  const { sockets } = await counting();
  const application = await forwarding.port.send(GET);
  await application.until((text) => text.endsWith('#1.1'));
  application.socket.destroy();
  await expect.poll(() => sockets[0]?.readableEnded).toBe(true);
  await expect.poll(() => forwarding.port.tunnel.channelCount, { timeout: 3_000 }).toBe(0);
});

it('authentication that belongs to a connection is offered as such', async () => {
  const challenge = ok('#1.1', 'WWW-Authenticate: NTLM').replace('200 OK', '401 Unauthorized');
  await counting((socket) => void socket.write(challenge));
  const application = await forwarding.port.send(UNBOUND);
  await application.until((text) => text.endsWith('#1.1'));
  expect(application.text).toContain('\r\nProxy-Support: Session-Based-Authentication\r\n');
  await application.send(GET).until((text) => text.endsWith('#1.1') && answers(text).length === 2);
  expect(forwarding.port.tunnel.opened).toHaveLength(1);
});
