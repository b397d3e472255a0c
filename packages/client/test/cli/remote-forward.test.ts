import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRemoteForward, type RemoteForward, type RemotePlace } from '../../src/cli/remote-forward.js';

const forward = (at: RemotePlace, target: RemoteForward['target'], isProxyV2 = false): Omit<RemoteForward, 'text'> => ({
  at,
  target,
  isProxyV2,
});
const loopback = (port: number): RemotePlace => ({ host: '127.0.0.1', port });

describe('parseRemoteForward', () => {
  it.each<[string, Omit<RemoteForward, 'text'>]>([
    ['8080:localhost:80', forward(loopback(8080), 'localhost:80')],
    ['0:localhost:80', forward(loopback(0), 'localhost:80')],
    ['0.0.0.0:8080:localhost:80', forward({ host: '0.0.0.0', port: 8080 }, 'localhost:80')],
    ['*:8080:localhost:80', forward({ host: '*', port: 8080 }, 'localhost:80')],
    ['[::1]:8080:[fd00::1]:80', forward({ host: '::1', port: 8080 }, '[fd00::1]:80')],
    ['5353:192.0.2.1:53/udp', forward(loopback(5353), '192.0.2.1:53/udp')],
    ['8080:localhost:80/proxy-v2', forward(loopback(8080), 'localhost:80', true)],
    ['1080', forward(loopback(1080), undefined)],
    ['localhost:1080', forward({ host: 'localhost', port: 1080 }, undefined)],
    ['8080:/run/app.sock', forward(loopback(8080), 'unix:/run/app.sock')],
    ['8080:unix:/run/a:b:80', forward(loopback(8080), 'unix:/run/a:b:80')],
    ['8080:/run/app.sock/proxy-v2', forward(loopback(8080), 'unix:/run/app.sock', true)],
    ['unix:/run/app.sock:localhost:80', forward({ path: '/run/app.sock' }, 'localhost:80')],
    ['/run/a:1:localhost:80', forward({ path: '/run/a:1' }, 'localhost:80')],
    ['/run/a-9:/run/b-9', forward({ path: '/run/a-9' }, 'unix:/run/b-9')],
    ['unix:/run/proxy.sock', forward({ path: '/run/proxy.sock' }, undefined)],
    ['http:App.example.org:localhost:80', forward({ name: 'app.example.org', tls: false }, 'localhost:80')],
    ['http:*.example.org:/run/app.sock', forward({ name: '*.example.org', tls: false }, 'unix:/run/app.sock')],
    ['tls:db.example.org:localhost:5432', forward({ name: 'db.example.org', tls: true }, 'localhost:5432')],
    ['tls:x.example.org:localhost:443/proxy-v2', forward({ name: 'x.example.org', tls: true }, 'localhost:443', true)],
  ])('reads %s', (text, expected) => {
    expect(parseRemoteForward(text)).toEqual([{ text, ...expected }]);
  });

  it('reads a range as a forward for each port', () => {
    expect(parseRemoteForward('*:8000-8002:host:9000-9002/udp')).toEqual(
      [0, 1, 2].map((n) => ({
        text: `*:${8000 + n}:host:${9000 + n}/udp`,
        ...forward({ host: '*', port: 8000 + n }, `host:${9000 + n}/udp`),
      })),
    );
    expect(parseRemoteForward('1080-1081').map(({ text, target }) => [text, target])).toEqual([
      ['1080', undefined],
      ['1081', undefined],
    ]);
  });

  it.each([
    ['', 'Expected [bind:]port:host:hostport with IPv6 in brackets'],
    ['8080:localhost', 'Expected [bind:]port:host:hostport'],
    ['8080:1080', 'Expected [bind:]port:host:hostport'],
    [':8080:localhost:80', 'Expected [bind:]port:host:hostport'],
    ['::1:8080:localhost:80', 'Expected [bind:]port:host:hostport'],
    ['http:app.example.org', 'Expected [bind:]port:host:hostport'],
    ['tls:app.example.org:80', 'Expected [bind:]port:host:hostport'],
    ['run/app.sock:localhost:80', 'Expected [bind:]port:host:hostport'],
    ['8080:localhost:80/sctp', 'Expected [bind:]port:host:hostport'],
    ['99999:localhost:80', 'Expected a port from 0 to 65535.'],
    ['[nonsense]:80:localhost:80', 'Expected [host:]port with IPv6 in brackets'],
    ['http:192.0.2.1:localhost:80', 'Expected a host name in ASCII, such as app.example.org or *.example.org'],
    ['http:a.*.org:localhost:80', 'Expected a host name in ASCII'],
    ['http:bücher.example:localhost:80', 'Expected a host name in ASCII'],
    ['8080:localhost:53/udp/proxy-v2', 'Expected /udp or /proxy-v2, not both: datagrams carry no PROXY header.'],
    ['8080/udp', 'Expected host:hostport before /udp.'],
    ['1080/proxy-v2', 'Expected host:hostport before /proxy-v2.'],
    ['http:app.example.org:localhost:80/proxy-v2', 'http:NAME takes no /proxy-v2: requests say X-Forwarded-For.'],
    ['tls:app.example.org:localhost:80/udp', 'http:NAME and tls:NAME carry no datagrams.'],
    ['8080:/run/app.sock/udp', 'A Unix socket carries no datagrams.'],
    ['/run/app.sock:localhost:80/udp', 'A Unix socket carries no datagrams.'],
    ['8000-8010:localhost:80', 'Expected as many ports on both sides, got 11 (8000-8010) and 1 (80).'],
    ['8080:localhost:80-81', 'Expected as many ports on both sides, got 1 (8080) and 2 (80-81).'],
    ['0-3:localhost:1-4', 'Expected a range of ports such as 8000-8010, from 1 to 65535, got 0-3.'],
    ['8000-8010:/run/app.sock', 'A Unix socket or a name stands for one port, not for a range.'],
    ['/run/app.sock:localhost:80-81', 'A Unix socket or a name stands for one port, not for a range.'],
    ['tls:app.example.org:localhost:80-81', 'A Unix socket or a name stands for one port, not for a range.'],
    [`/${'x'.repeat(110)}:localhost:80`, 'Expected the path of a socket in at most 103 bytes.'],
  ])('refuses %s and says what is expected', (text, message) => {
    expect(() => parseRemoteForward(text)).toThrow(InvalidArgumentError);
    expect(() => parseRemoteForward(text)).toThrow(message);
  });

  it('takes each part for what it is, no matter what the others are', () => {
    const port = fc.nat(65_535);
    const bind = fc.oneof(fc.constant('*'), fc.ipV4(), fc.ipV6(), fc.domain()).map((host) => ({ host }));
    const place = fc.oneof(
      fc.tuple(bind, port).map(([at, port]): [RemotePlace, string] => [{ ...at, port }, `${bracket(at.host)}:${port}`]),
      fc.stringMatching(/^\/[a-z0-9]{1,20}$/).map((path): [RemotePlace, string] => [{ path }, `unix:${path}`]),
      fc
        .tuple(fc.domain(), fc.boolean())
        .map(([name, tls]): [RemotePlace, string] => [{ name, tls }, `${tls ? 'tls' : 'http'}:${name}`]),
    );
    const target = fc.oneof(
      fc
        .tuple(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), port)
        .map(([host, port]): [target: string, text: string] => {
          const text = `${bracket(host)}:${port}`;
          return [text, text];
        }),
      fc.stringMatching(/^\/[a-z0-9:]{1,20}$/).map((path): [target: string, text: string] => [`unix:${path}`, path]),
    );
    fc.assert(
      fc.property(place, target, ([at, placeText], [to, targetText]) => {
        const text = `${placeText}:${targetText}`;
        expect(parseRemoteForward(text)).toEqual([{ text, at, target: to, isProxyV2: false }]);
      }),
    );
  });

  it('reads its own text to the same, or refuses what it is given in one line', () => {
    const alike = fc.stringMatching(/^[0-9a-z:[\]/*.-]*$/);
    const pieces = fc
      .array(
        fc.constantFrom(
          ':',
          '/',
          '80',
          '8000-8003',
          'unix:',
          'http:',
          'tls:',
          '/udp',
          '/proxy-v2',
          'host',
          '[::1]',
          '*',
        ),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string(), alike, pieces), (text) => {
        let forwards: readonly RemoteForward[];
        try {
          forwards = parseRemoteForward(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidArgumentError);
          expect((error as Error).message).toMatch(/^[^\n\r]+$/);
          return;
        }
        expect(forwards.length).toBeGreaterThan(0);
        for (const one of forwards) expect(parseRemoteForward(one.text)).toEqual([one]);
      }),
      { numRuns: 1_000 },
    );
  });
});

function bracket(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
