import { expect, test } from 'vitest';
import { parseLocalTarget, placeOf, problemOfName, type RemotePlace } from '../../src/options/remote-options.js';

test.each([
  ['localhost:80', { to: { host: 'localhost', port: 80 }, isUdp: false }],
  ['[::1]:53/udp', { to: { host: '::1', port: 53 }, isUdp: true }],
  ['unix:/run/a:1/udp', { to: { path: '/run/a:1/udp' }, isUdp: false }],
])('%s is where to go from here', (text, target) => {
  expect(parseLocalTarget(text)).toEqual(target);
});

test.each(['', 'a', 'a:0', ':80', '::1:80', 'unix:', 'unix:run/a', '/run/a', 'a:80/tcp', 'a:80/udp/udp'])(
  '%j is nowhere to go from here',
  (text) => {
    expect(() => parseLocalTarget(text)).toThrow(/^not a destination: /);
  },
);

test.each<[RemotePlace, boolean, object]>([
  [{ port: 80 }, false, { kind: 'tcp', bind: '', port: 80 }],
  [{ host: '*', port: 0 }, true, { kind: 'udp', bind: '*', port: 0 }],
  [{ path: '/run/a' }, false, { kind: 'unix', bind: '/run/a', port: 0 }],
  [{ name: 'App.Example.org' }, false, { kind: 'http', bind: 'app.example.org', port: 0 }],
  [{ name: '*.example.org', tls: true }, false, { kind: 'tls', bind: '*.example.org', port: 0 }],
])('%j is where to listen', (place, isUdp, expected) => {
  expect(placeOf(place, isUdp)).toEqual(expected);
});

test.each(['app.example.org', '*.example.org', 'localhost'])('%s is a host name to be asked for by', (name) => {
  expect(problemOfName(name)).toBeUndefined();
});

test.each(['', '*', '*.', '*.*.example', 'a..example', '::1', '1.2.3.4', 'a b'])('%j is none', (name) => {
  expect(problemOfName(name)).toBe('expected a host name, or *. and one');
});
