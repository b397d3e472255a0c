import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseReach, pinOf } from '../../src/reach/reach.js';

const WSS = new URL('wss://proxy.example.org/');
const PIN = `sha256//${'A'.repeat(43)}=`;

/** Made with: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=test -days 36500 */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBdjCCARugAwIBAgIUS03BgxD8Kp7aT6Xj15aCoM0YM4MwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjQwNDM4MzRaGA8yMTI2MTAzMTA0Mzgz
NFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABICx
J8byV6kSmH47QeQcYs/wa4f6WQmqKRaOUTkPmDTxGQYrlfcQY9yKj3I51bOSxGnq
+DfFBqubPufRUAm0/VqjUzBRMB0GA1UdDgQWBBQjlWa0EsC2uGq20VvKk6tDIxTM
NDAfBgNVHSMEGDAWgBQjlWa0EsC2uGq20VvKk6tDIxTMNDAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0kAMEYCIQCPPaKZWR1ot/jh8L2YYig5Wby48UrHDeI4
kXNkT15zlgIhAO1aQJFJrFjVMnlyIdcJZYWAMytXr3B5+8qjKMCHtp+l
-----END CERTIFICATE-----
`;
/** Of it: openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64 */
const PIN_OF_CERTIFICATE = 'sha256//n/9oxm5Ev5Ekrsb6KxsyMdT5BCFGidkYMOLNb4IqUxk=';

describe('the ways to a server', () => {
  test('are read', () => {
    const reach = parseReach(WSS, {
      proxy: 'socks5://proxy',
      headers: { 'X-Name': 'a\tvalue' },
      host: 'front.example:8443',
      sni: 'Front.Example',
      ca: CERTIFICATE,
      pins: [PIN],
      resolve: ['Proxy.Example.ORG:443:192.0.2.1', '[2001:db8::1]:80:[2001:db8::2]'],
      family: 6,
    });
    expect(reach).toMatchObject({
      proxy: { scheme: 'socks5', host: 'proxy', port: 1080 },
      headers: { 'X-Name': 'a\tvalue', host: 'front.example:8443' },
      sni: 'front.example',
      pins: [PIN],
      family: 6,
    });
    expect([...reach.addresses]).toEqual([
      ['proxy.example.org:443', '192.0.2.1'],
      ['2001:db8::1:80', '2001:db8::2'],
    ]);
  });

  test.each([
    [{ proxy: 'ftp://x' }, /proxy/],
    [{ headers: { 'Bad Name': '' } }, /not the name of a header: "Bad Name"/],
    [{ headers: { 'X-A': 'b\r\nX-B: c' } }, /X-A has a character/],
    [{ headers: { 'X-A': '\u{1F511}' } }, /X-A has a character/],
    [{ headers: { Authorization: 'x' } }, /cannot be set/],
    [{ headers: { UPGRADE: 'x' } }, /cannot be set/],
    [{ headers: { 'Wsproxy-Session': 'x' } }, /the header Wsproxy-Session cannot be set/],
    [{ headers: { 'wsproxy-route': 'x' } }, /cannot be set/],
    [{ headers: { 'Sec-WebSocket-Key': 'x' } }, /cannot be set/],
    [{ headers: { Host: 'x' } }, /an option of its own/],
    [{ headers: { 'Content-Length': '5' } }, /cannot be set/],
    [{ host: 'a b' }, /not a Host header/],
    [{ host: 'a:99999' }, /not a Host header/],
    [{ sni: '192.0.2.1' }, /RFC 6066/],
    [{ sni: 'a/b' }, /not a name/],
    [{ ca: 'nothing in it' }, /authorities to trust: there is no certificate/],
    [{ cert: CERTIFICATE }, /needs its key/],
    [{ key: 'x' }, /needs its key/],
    [{ cert: 'x', key: 'x' }, /client certificate: there is no certificate/],
    [{ cert: CERTIFICATE, key: 'x' }, /cannot be used/],
    [{ pins: ['sha256//short'] }, /not a pin/],
    [{ pins: [PIN.replace('sha256', 'sha1')] }, /not a pin/],
    [{ resolve: ['host:443'] }, /host:port:address/],
    [{ resolve: ['host:443:name'] }, /host:port:address/],
    [{ resolve: ['host:0:192.0.2.1'] }, /host:port:address/],
  ])('%j is refused in one line', (options, message) => {
    expect(() => parseReach(WSS, options)).toThrow(message);
    expect(() => parseReach(WSS, options)).toThrow(/^[^\n]*$/);
  });

  test('a pin without TLS is refused', () => {
    expect(() => parseReach(new URL('ws://localhost/'), { pins: [PIN] })).toThrow(/needs a wss:/);
  });
});

test("a pin is curl's, and OpenSSL's", () => {
  expect(pinOf(new X509Certificate(CERTIFICATE))).toBe(PIN_OF_CERTIFICATE);
});
