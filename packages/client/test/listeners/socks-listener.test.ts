import { describe, expect, it } from 'vitest';
import { FAILURES, type FailureCode } from 'wsproxy-protocol';
import { usePort } from './port-fixture.js';
import { refuseWith } from './test-tunnel.js';

const fixture = usePort();
const { hex, name } = { hex: (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex'), name: nameRequest };

const GREETING = '05 01 00';
const METHOD = '05 00';
const SUCCESS = '05 00 00 01 00000000 0000';

function nameRequest(host: string | Buffer, port = 80): Buffer {
  const bytes = Buffer.from(host as string, 'latin1');
  return Buffer.concat([hex('05 01 00 03'), Buffer.of(bytes.length), bytes, Buffer.of(port >> 8, port & 0xff)]);
}

describe('SOCKS5', () => {
  it.each([
    ['an IPv4 address', hex('05 01 00 01 c0000201 0050'), '192.0.2.1:80'],
    ['an IPv6 address', hex('05 01 00 04 20010db8000000000000000000000001 01bb'), '[2001:db8::1]:443'],
    ['a name, unresolved', name('Example.ORG.', 8080), 'example.org:8080'],
    ['A24 an IPv4 literal sent as a name', name('127.0.0.1'), '127.0.0.1:80'],
    ['A24 an IPv6 literal sent as a name', name('::1'), '[::1]:80'],
    ['A24 a bracketed IPv6 literal sent as a name', name('[::1]'), '[::1]:80'],
  ])('CONNECT to %s opens a channel and relays', async (_title, request, target) => {
    const application = await fixture.send(hex(GREETING));
    expect((await application.untilBytes(2)).toString('hex')).toBe(hex(METHOD).toString('hex'));
    application.send(request);
    await application.untilBytes(12);
    application.send('ping').endHalf();
    const { bytes, end } = await application.closed();
    expect(bytes.subarray(2, 12)).toEqual(hex(SUCCESS));
    expect(bytes.subarray(12).toString()).toBe('ping');
    expect(end).toBe('closed');
    expect(fixture.tunnel.opened).toEqual([target]);
  });

  it.each(Object.keys(FAILURES) as FailureCode[])('tells %s by its reply and closes', async (code) => {
    fixture.tunnel.farEnd = refuseWith(code);
    const application = await fixture.send(Buffer.concat([hex(GREETING), name('example.org')]));
    const { bytes, end } = await application.closed();
    expect(bytes).toEqual(Buffer.concat([hex(METHOD), hex('05'), Buffer.of(FAILURES[code].socks5), hex('00 01 00000000 0000')]));
    expect(end).toBe('closed');
  });
});
