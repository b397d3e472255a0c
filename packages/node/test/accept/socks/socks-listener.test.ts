import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FAILURES, type FailureCode, type OfferedChannel } from 'wsproxy-engine';
import { keepWaiting, refuseWith } from 'wsproxy-test-support/test-tunnel';
import { parseSocks5Request } from '../../../src/accept/socks/socks5-codec.js';
import { usePort } from '../port-fixture.js';
import { GRANTED, GREETING, hex, METHOD, REJECTED, reply5, request4a, request5 } from '../socks-bytes.js';

const fixture = usePort();
const example = request5('example.org');

describe('SOCKS5', () => {
  it.each([
    ['an IPv4 address', hex('05 01 00 01 c0000201 0050'), '192.0.2.1:80'],
    ['an IPv6 address', hex('05 01 00 04 20010db8000000000000000000000001 01bb'), '[2001:db8::1]:443'],
    ['a name, which it does not resolve', request5('Example.ORG.', 8080), 'example.org:8080'],
    ['A24 an IPv4 literal sent as a name', request5('127.0.0.1'), '127.0.0.1:80'],
    ['A24 an IPv6 literal sent as a name', request5('::1'), '[::1]:80'],
    ['A24 a bracketed IPv6 literal sent as a name', request5('[::1]'), '[::1]:80'],
  ])('connects to %s and relays, half-close included', async (_title, request, target) => {
    const application = await fixture.send(GREETING);
    expect(await application.untilBytes(2)).toEqual(METHOD);
    application.send(request);
    expect(await application.untilBytes(12)).toEqual(Buffer.concat([METHOD, reply5(0)]));
    application.send('ping').endHalf();
    const { bytes, end } = await application.closed();
    expect(bytes.subarray(12).toString()).toBe('ping');
    expect(end).toBe('closed');
    expect(fixture.tunnel.opened).toEqual([target]);
  });

  it.each([1, 2, 3, 7, 1000])('takes greeting, request and early data in slices of %i', async (size) => {
    const early = randomBytes(2000);
    const application = await fixture.connect();
    application.socket.setNoDelay(true);
    const input = Buffer.concat([GREETING, example, early]);
    const write = (start: number): void => {
      if (start >= input.length) return void application.endHalf();
      application.socket.write(input.subarray(start, start + size), () => write(start + size));
    };
    write(0);
    const { bytes } = await application.closed();
    expect(bytes).toEqual(Buffer.concat([METHOD, reply5(0), early]));
  });

  it('sends early data along before the target has answered', async () => {
    const arrived = new Promise<string>((resolve) => {
      fixture.tunnel.farEnd = (channel) =>
        channel.start({ onData: (chunk) => resolve(chunk.toString()), onEnd() {}, onReset() {}, onWritable() {} });
    });
    await fixture.send(Buffer.concat([GREETING, example, Buffer.from('early')]));
    expect(await arrived).toBe('early');
  });

  it('answers a greeting and a request that have come together by one write, once the target has', async () => {
    const offered = new Promise<OfferedChannel>((resolve) => {
      fixture.tunnel.farEnd = resolve;
    });
    const application = await fixture.send(Buffer.concat([GREETING, example]));
    const answers: Buffer[] = [];
    application.socket.on('data', (bytes: Buffer) => answers.push(bytes));
    (await offered).accept();
    expect(await application.untilBytes(12)).toEqual(Buffer.concat([METHOD, reply5(0)]));
    expect(answers.length).toBe(1);
  });

  it('answers a greeting at once when the request behind it is not complete', async () => {
    const application = await fixture.send(Buffer.concat([GREETING, example.subarray(0, 4)]));
    expect(await application.untilBytes(2)).toEqual(METHOD);
    application.send(example.subarray(4));
    expect(await application.untilBytes(12)).toEqual(Buffer.concat([METHOD, reply5(0)]));
  });

  it('accepts the method without authentication among others', async () => {
    const application = await fixture.send(Buffer.concat([hex('05 03 01 02 00'), example]));
    expect(await application.untilBytes(12)).toEqual(Buffer.concat([METHOD, reply5(0)]));
  });

  it.each([
    ['any password', hex('01 04 75736572 06 736563726574')],
    ['an empty one', hex('01 00 00')],
  ])('A7 takes %s from a client that offers nothing else', async (_title, password) => {
    const application = await fixture.send(hex('05 01 02'));
    expect(await application.untilBytes(2)).toEqual(hex('05 02'));
    application.send(password);
    expect(await application.untilBytes(4)).toEqual(hex('05 02 01 00'));
    application.send(example);
    expect(await application.untilBytes(14)).toEqual(Buffer.concat([hex('05 02 01 00'), reply5(0)]));
  });

  it('takes a password together with the greeting that offers it', async () => {
    const application = await fixture.send(Buffer.concat([hex('05 02 01 02 01 01 75 01 70'), example]));
    expect(await application.untilBytes(14)).toEqual(Buffer.concat([hex('05 02 01 00'), reply5(0)]));
  });

  it.each([
    ['A5 zero methods', hex('05 00')],
    ['A6 255 methods without 00 and 02', Buffer.concat([hex('05 FF'), Buffer.alloc(255, 0x03)])],
    ['A8 GSSAPI only', hex('05 01 01')],
  ])('%s: answers 05 FF and closes', async (_title, greeting) => {
    const application = await fixture.send(Buffer.concat([greeting, example]));
    expect(await application.closed()).toMatchObject({ bytes: hex('05 FF'), end: 'closed' });
    expect(fixture.tunnel.opened).toEqual([]);
  });

  it('A16 version 04 in the request: closes without a reply', async () => {
    const application = await fixture.send(Buffer.concat([GREETING, hex('04 01 00 01 01020304 0050')]));
    expect(await application.closed()).toMatchObject({ bytes: METHOD, end: 'closed' });
    expect(fixture.tunnel.opened).toEqual([]);
  });

  it.each([
    ['A17 BIND', hex('05 02 00 01 01020304 0050'), 0x07],
    ['A19 command 00', hex('05 00 00 01 01020304 0050'), 0x07],
    ['A19 RESOLVE of Tor', hex('05 F0 00 03 01 61 0000'), 0x07],
    ['A19 RESOLVE_PTR of Tor', hex('05 F1 00 01 01020304 0000'), 0x07],
    ['A19 command FF', hex('05 FF 00 01 01020304 0050'), 0x07],
    ['A21 address type 00', hex('05 01 00 00 01020304 0050'), 0x08],
    ['A21 address type 02', hex('05 01 00 02 01020304 0050'), 0x08],
    ['A21 address type 05', hex('05 01 00 05 01020304 0050'), 0x08],
    ['A22 an empty name', hex('05 01 00 03 00 0050'), 0x01],
    ['A25 NUL in a name', request5('127.0.0.1\0.example.com'), 0x04],
    ['A25 CR LF in a name', request5('a\r\nb'), 0x04],
    ['A25 a space in a name', request5('a b'), 0x04],
    ['A25 %00 in a name', request5('a%00b'), 0x04],
    ['A25 a byte beyond ASCII in a name', request5('caf\u00e9.example'), 0x04],
    ['A27 port 0', request5('example.org', 0), 0x01],
  ])('%s: answers and closes without opening a channel', async (_title, request, reply) => {
    const application = await fixture.send(Buffer.concat([GREETING, request]));
    expect(await application.closed()).toMatchObject({ bytes: Buffer.concat([METHOD, reply5(reply)]), end: 'closed' });
    expect(fixture.tunnel.opened).toEqual([]);
  });

  it.each(Object.keys(FAILURES) as FailureCode[])('tells %s by its reply and closes', async (code) => {
    fixture.tunnel.farEnd = refuseWith(code);
    const application = await fixture.send(Buffer.concat([GREETING, example, Buffer.from('early')]));
    const reply = reply5(FAILURES[code].socks5);
    expect(await application.closed()).toMatchObject({ bytes: Buffer.concat([METHOD, reply]), end: 'closed' });
  });

  it('delivers the failure to an application that keeps sending', async () => {
    fixture.tunnel.farEnd = refuseWith('CONNECTION_REFUSED');
    const application = await fixture.send(Buffer.concat([GREETING, example, randomBytes(1 << 20)]));
    expect((await application.closed()).bytes).toEqual(Buffer.concat([METHOD, reply5(5)]));
  });

  it('waits for about a second, no longer, for an application that does not close', async () => {
    fixture.tunnel.farEnd = refuseWith('DENIED');
    const application = await fixture.send(Buffer.concat([GREETING, example]));
    application.socket.allowHalfOpen = true;
    await application.untilBytes(12);
    const started = performance.now();
    // Writing is how a program learns that nobody is there any more.
    const chatter = setInterval(() => application.send('x'), 20);
    const { end } = await application.closed();
    clearInterval(chatter);
    expect(end).toBe('reset');
    expect(performance.now() - started).toBeGreaterThan(500);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('tells the loss of the session by a reply while dialling, by a reset afterwards', async () => {
    const open = await fixture.send(Buffer.concat([GREETING, example]));
    await open.untilBytes(12);
    fixture.tunnel.farEnd = keepWaiting;
    const waiting = await fixture.send(Buffer.concat([GREETING, example]));
    await expect.poll(() => fixture.tunnel.channelCount).toBe(4);
    fixture.tunnel.close();
    expect(await waiting.closed()).toMatchObject({ bytes: Buffer.concat([METHOD, reply5(1)]), end: 'closed' });
    expect(await open.closed()).toMatchObject({ end: 'reset' });
  });

  it('cancels the channel when the application resets while dialling', async () => {
    fixture.tunnel.farEnd = keepWaiting;
    const application = await fixture.send(Buffer.concat([GREETING, example]));
    await expect.poll(() => fixture.tunnel.channelCount).toBe(2);
    application.socket.resetAndDestroy();
    await expect.poll(() => fixture.tunnel.channelCount).toBe(0);
  });

  it('carries what the application says after the far end has ended, and its end', async () => {
    let heard = '';
    const ending = new Promise<string>((resolve) => {
      fixture.tunnel.farEnd = (channel) => {
        channel.accept();
        channel.start({
          onData(chunk) {
            heard += chunk.toString();
            channel.consumed(chunk.length);
          },
          onEnd: () => resolve('ended'),
          onReset: () => resolve('reset'),
          onWritable() {},
        });
        channel.end();
      };
    });
    const application = await fixture.connect();
    application.socket.allowHalfOpen = true;
    const ended = once(application.socket, 'end');
    application.send(Buffer.concat([GREETING, example]));
    await ended;
    application.send('late').endHalf();
    expect(await ending).toBe('ended');
    expect(heard).toBe('late');
  });

  it('passes a reset that comes together with data on as a reset, not as an end', async () => {
    const ending = new Promise<string>((resolve) => {
      fixture.tunnel.farEnd = (channel) => {
        channel.accept();
        channel.start({
          onData: (chunk) => channel.consumed(chunk.length),
          onEnd: () => resolve('ended'),
          onReset: () => resolve('reset'),
          onWritable() {},
        });
      };
    });
    const application = await fixture.send(Buffer.concat([GREETING, example]));
    await application.untilBytes(12);
    application.socket.write(randomBytes(20_000), () => application.socket.resetAndDestroy());
    expect(await ending).toBe('reset');
  });

  it('carries a megabyte each way, byte for byte', async () => {
    const payload = randomBytes(1 << 20);
    const application = await fixture.send(Buffer.concat([GREETING, example, payload]));
    application.endHalf();
    const { bytes } = await application.closed();
    const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');
    expect(sha256(bytes.subarray(12))).toBe(sha256(payload));
  });
});

describe('SOCKS4', () => {
  it.each([
    ['B1 an address', hex('04 01 0050 c0000201 726f6f74 00'), '192.0.2.1:80'],
    ['B1 a 4a name', request4a('example.org', 443, 'someone'), 'example.org:443'],
  ])('%s: is granted once connected, and relayed', async (_title, request, target) => {
    const application = await fixture.send(Buffer.concat([request, Buffer.from('early')]));
    application.endHalf();
    expect((await application.closed()).bytes).toEqual(Buffer.concat([GRANTED, Buffer.from('early')]));
    expect(fixture.tunnel.opened).toEqual([target]);
  });

  it.each([
    ['B3 a 4a name of 256 bytes', request4a('a'.repeat(256))],
    ['B3 a user id that never ends', Buffer.concat([hex('04 01 0050 01020304'), Buffer.alloc(300, 'u')])],
    ['B4 the address 0.0.0.0', hex('04 01 0050 00000000 00')],
    ['B5 BIND', hex('04 02 0050 01020304 00')],
    ['port 0', hex('04 01 0000 01020304 00')],
  ])('%s: is rejected without opening a channel', async (_title, request) => {
    const application = await fixture.send(request);
    expect(await application.closed()).toMatchObject({ bytes: REJECTED, end: 'closed' });
    expect(fixture.tunnel.opened).toEqual([]);
  });

  it('tells every failure as a rejection', async () => {
    fixture.tunnel.farEnd = refuseWith('CONNECTION_REFUSED');
    const application = await fixture.send(request4a('example.org'));
    expect(await application.closed()).toMatchObject({ bytes: REJECTED, end: 'closed' });
  });
});

describe('arbitrary input', () => {
  it('A30 opens a channel for a valid request and for nothing else', async () => {
    const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    const afterGreeting = fc.oneof(
      noise,
      noise.map((bytes) => Buffer.concat([hex('05 01 00'), bytes])),
      fc.tuple(fc.domain(), fc.nat(65_535)).map(([name, port]) => request5(name, port)),
    );
    await fc.assert(
      fc.asyncProperty(afterGreeting, fc.integer({ min: 1, max: 64 }), async (bytes, size) => {
        const before = fixture.tunnel.opened.length;
        const application = await fixture.send(GREETING);
        for (let start = 0; start < bytes.length; start += size) application.send(bytes.subarray(start, start + size));
        application.endHalf();
        await application.closed();
        const request = parseSocks5Request(bytes);
        const isConnect = request.state === 'done' && request.value.command === 'connect';
        expect(fixture.tunnel.opened.length - before).toBe(isConnect ? 1 : 0);
      }),
      { numRuns: 200 },
    );
  });
});
