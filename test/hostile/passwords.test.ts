import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { connectTo, readBytes, readHead, readToEnd } from 'wsproxy-test-support/sockets/application';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const NAME = 'ann';
const PASSWORD = 'correct horse';
/** The longest that RFC 1929 can say. */
const LONG = { name: 'n'.repeat(255), password: 'p'.repeat(255) };

const METHOD = Buffer.of(5, 2);
const REFUSED = Buffer.of(1, 1);
const GREETING = Buffer.of(5, 1, 2);

/** The client's port asks for a password; what arrives at a destination nobody was let through to is counted. */
async function prepare() {
  const users = [{ name: NAME, password: PASSWORD }, LONG].map(({ name, password }) => ({
    name,
    sha256: createHash('sha256').update(password).digest('hex'),
  }));
  const [{ client }, echo] = await Promise.all([startTunnel(), startEcho()]);
  const { address } = await client.listen({ port: 0, users });
  const request = Buffer.concat([Buffer.of(5, 1, 0, 1, 127, 0, 0, 1), Buffer.of(echo.port >> 8, echo.port & 255)]);
  return { port: address.port, echo, request };
}

/** RFC 1929 section 2. */
function password(name: string, secret: string, version = 1): Buffer {
  const [user, pass] = [Buffer.from(name), Buffer.from(secret)];
  return Buffer.concat([Buffer.of(version, user.length), user, Buffer.of(pass.length), pass]);
}

/** Sends everything at once, and reads until the port closes. */
async function answerTo(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = await connectTo(port);
  const chunks: Buffer[] = [];
  const ended = readToEnd(socket, (chunk) => chunks.push(chunk));
  socket.write(bytes);
  await ended;
  socket.destroy();
  return Buffer.concat(chunks);
}

describe('SOCKS5 where a password is needed', () => {
  // What is no message of RFC 1929 is not answered in its words.
  const cases: [title: string, bytes: (request: Buffer) => Buffer, answer: Buffer][] = [
    [
      'A8 only the method without one is offered',
      (request) => Buffer.concat([Buffer.of(5, 1, 0), request]),
      Buffer.of(5, 255),
    ],
    ['A8 only GSSAPI is offered', () => Buffer.of(5, 1, 1), Buffer.of(5, 255)],
    ['A8 the request comes without a password', (request) => Buffer.concat([GREETING, request]), METHOD],
    [
      'A10 the version of the password is 2',
      (request) => Buffer.concat([GREETING, password(NAME, PASSWORD, 2), request]),
      METHOD,
    ],
    [
      'A10 the version of the password is 5',
      (request) => Buffer.concat([GREETING, password(NAME, PASSWORD, 5), request]),
      METHOD,
    ],
    [
      'A11 the name is empty',
      (request) => Buffer.concat([GREETING, password('', PASSWORD), request]),
      Buffer.concat([METHOD, REFUSED]),
    ],
    [
      'A11 the password is empty',
      (request) => Buffer.concat([GREETING, password(NAME, ''), request]),
      Buffer.concat([METHOD, REFUSED]),
    ],
    [
      'A13 the password is wrong',
      (request) => Buffer.concat([GREETING, password(NAME, `${PASSWORD}x`), request]),
      Buffer.concat([METHOD, REFUSED]),
    ],
    [
      'A13 the password is that of somebody else',
      (request) => Buffer.concat([GREETING, password(NAME, LONG.password), request]),
      Buffer.concat([METHOD, REFUSED]),
    ],
    ['A15 SOCKS4 is spoken', () => Buffer.from('040100500102030400', 'hex'), Buffer.from('005b000000000000', 'hex')],
  ];

  test.each(cases)('%s: refused, closed, and nothing is dialled', async (_title, bytes, answer) => {
    const { port, echo, request } = await prepare();
    expect(await answerTo(port, bytes(request))).toEqual(answer);
    expect(echo.sockets.size).toBe(0);
  });

  test.each([
    ['a short name and password', NAME, PASSWORD],
    ['A12 255 bytes of each', LONG.name, LONG.password],
  ])('%s: let through when they are right', async (_title, name, secret) => {
    const { port, request } = await prepare();
    const socket = await connectTo(port);
    socket.write(Buffer.concat([GREETING, password(name, secret), request]));
    expect(await readBytes(socket, 14)).toEqual(Buffer.concat([METHOD, Buffer.of(1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0)]));
    socket.write('hello');
    expect((await readBytes(socket, 5)).toString()).toBe('hello');
    socket.destroy();
  });
});

describe('HTTP where a password is needed', () => {
  const connect = (port: number, ...fields: string[]) =>
    [`CONNECT 127.0.0.1:${port} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...fields, '', ''].join('\r\n');
  const basic = (text: string) => `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}`;

  test.each<[title: string, fields: readonly string[]]>([
    ['C16 no credentials', []],
    ['C16 not base64', ['Proxy-Authorization: Basic @@@@']],
    ['C16 no colon', [basic('ann')]],
    ['C16 another scheme', ['Proxy-Authorization: Bearer abc']],
    ['C16 twice the right ones', [basic(`${NAME}:${PASSWORD}`), basic(`${NAME}:${PASSWORD}`)]],
    ['C16 a wrong password', [basic(`${NAME}:wrong`)]],
  ])('%s: refused and closed, and a CONNECT behind it is not looked at', async (_title, fields) => {
    const { port, echo } = await prepare();
    const right = connect(echo.port, basic(`${NAME}:${PASSWORD}`));
    const answer = (await answerTo(port, Buffer.from(connect(echo.port, ...fields) + right))).toString('latin1');
    expect(answer).toMatch(/^HTTP\/1\.1 (407|400) /);
    expect(answer).not.toMatch(/ 200 /);
    if (answer.includes(' 407 ')) expect(answer).toMatch(/^Proxy-Authenticate: Basic/im);
    expect(echo.sockets.size).toBe(0);
  });

  test('C15 anyone who comes again on a new connection with the right password is let through', async () => {
    const { port, echo } = await prepare();
    const first = await connectTo(port);
    first.write(connect(echo.port));
    expect(await readHead(first)).toMatch(/^HTTP\/1\.1 407 [^]*^Connection: close\r$/m);
    await readToEnd(first);
    first.destroy();

    const second = await connectTo(port);
    second.write(connect(echo.port, basic(`${NAME}:${PASSWORD}`)));
    expect(await readHead(second)).toMatch(/^HTTP\/1\.1 200 /);
    second.write('hello');
    expect((await readBytes(second, 5)).toString()).toBe('hello');
    second.destroy();
  });
});
