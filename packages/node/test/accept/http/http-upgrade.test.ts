import { describe, expect, it } from 'vitest';
import { readUntil } from '../destination.js';
import { message, useForwarding } from '../forward-fixture.js';

const forwarding = useForwarding();
const SWITCH = message('HTTP/1.1 101 Switching Protocols', 'Upgrade: echo', 'Connection: Upgrade', 'X-Key: k');

function upgrade(uri: string, ...headers: string[]): string {
  return message(`GET ${uri} HTTP/1.1`, 'Host: a', 'Connection: keep-alive, Upgrade', 'Upgrade: echo', ...headers);
}

describe('a request to upgrade', () => {
  it.each(['http', 'ws'])('of a %s URI reaches its origin, and what follows 101 is no HTTP', async (scheme) => {
    const { heads, sockets } = await forwarding.answering((socket) => socket.write(`${SWITCH}hello`));
    const application = await forwarding.port.send(`${upgrade(`${scheme}://example.org/chat`, 'Sec-Key: x')}early`);
    await application.until((text) => text.endsWith('hello'));
    expect(application.text).toBe(
      `${message('HTTP/1.1 101 Switching Protocols', 'X-Key: k', 'Connection: Upgrade', 'Upgrade: echo')}hello`,
    );
    expect(heads[0]).toMatch(/^GET \/chat HTTP\/1\.1\r\nHost: example\.org\r\nSec-Key: x\r\n/);
    expect(heads[0]).toContain('\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    const [socket] = sockets;
    if (socket === undefined) throw new Error('not dialled');
    const rest = readUntil(socket, /late$/);
    application.send('GET / HTTP/1.1\r\n\r\nlate');
    expect(`${heads[0]?.split('\r\n\r\n')[1]}${await rest}`).toContain('earlyGET / HTTP/1.1\r\n\r\nlate'.slice(-28));
  });

  it('keeps half-closes both ways once it has switched', async () => {
    await forwarding.answering((socket) => {
      socket.write(SWITCH);
      socket.once('end', () => socket.end('last words'));
    });
    const application = await forwarding.port.send(upgrade('http://example.org/'));
    await application.until((text) => text.endsWith('\r\n\r\n'));
    const { text, end } = await application.endHalf().closed();
    expect([text.endsWith('last words'), end]).toEqual([true, 'closed']);
  });

  it('passes a reset on once it has switched', async () => {
    const { sockets } = await forwarding.answering((socket) => socket.write(SWITCH));
    const application = await forwarding.port.send(upgrade('http://example.org/'));
    await application.until((text) => text.endsWith('\r\n\r\n'));
    sockets[0]?.resetAndDestroy();
    expect((await application.closed()).end).toBe('reset');
  });

  it('is reset when more came ahead of 101 than is kept', async () => {
    const { sockets } = await forwarding.answering(() => {});
    const application = await forwarding.port.send(upgrade('http://example.org/'));
    // More than the system holds: it has been read when it is written.
    await new Promise((resolve) => application.socket.write(Buffer.alloc(16_000_000), resolve));
    await expect.poll(() => sockets.length).toBe(1);
    sockets[0]?.write(SWITCH);
    expect((await application.closed()).end).toBe('reset');
  });

  it('that is declined is answered like any other', async () => {
    await forwarding.answering((socket) => socket.write('HTTP/1.1 426 No\r\nContent-Length: 2\r\n\r\nno'));
    const application = await forwarding.port.send(upgrade('http://example.org/'));
    await application.until((text) => text.endsWith('no'));
    expect(application.text).toBe('HTTP/1.1 426 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
  });

  it.each([
    ['without Connection: Upgrade', message('GET http://a/ HTTP/1.1', 'Host: a', 'Upgrade: echo')],
    ['of HTTP/1.0', upgrade('http://a/').replace('HTTP/1.1', 'HTTP/1.0')],
  ])('%s is none', async (_title, request) => {
    const { heads } = await forwarding.answering((socket) => socket.write(SWITCH));
    const { text } = await (await forwarding.port.send(request)).closed();
    expect(text).toMatch(/^HTTP\/1\.1 502 [^]*it switches protocols, which nobody has asked for\n$/);
    expect(heads[0]).not.toMatch(/upgrade/i);
  });

  it.each([
    ['h2c', ''],
    ['H2C, echo', 'Connection: Upgrade\r\nUpgrade: echo\r\n'],
  ])('to %s goes on without HTTP/2, and without what that needs', async (protocols, upgrade) => {
    const { heads } = await forwarding.answering((socket) => socket.end('HTTP/1.1 204 No\r\n\r\n'));
    const fields = ['Connection: Upgrade, HTTP2-Settings', `Upgrade: ${protocols}`, 'HTTP2-Settings: AAMAAABkAAQ'];
    await (await forwarding.port.send(message('GET http://a/ HTTP/1.1', ...fields))).closed();
    expect(heads[0]).toBe(`GET / HTTP/1.1\r\nHost: a\r\n${upgrade || 'Connection: keep-alive\r\n'}\r\n`);
  });

  it('that an origin asks for says to what', async () => {
    const fields = ['Upgrade: TLS/1.3', 'Connection: Upgrade', 'Content-Length: 0'];
    await forwarding.answering((socket) => socket.write(message('HTTP/1.1 426 Upgrade Required', ...fields)));
    const { text } = await (await forwarding.port.send(message('GET http://a/ HTTP/1.1'))).closed();
    expect(text).toContain('\r\nConnection: close, Upgrade\r\nUpgrade: TLS/1.3\r\n');
  });

  it('is not complete before its content is', async () => {
    await forwarding.answering((socket) => socket.write(SWITCH));
    const { text } = await (await forwarding.port.send(upgrade('http://a/', 'Content-Length: 9'))).closed();
    expect(text).toMatch(/^HTTP\/1\.1 502 [^]*it switches protocols within the request\n$/);
  });
});
