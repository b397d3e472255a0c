import { expect, test } from 'vitest';
import type { ListenKind } from 'wsproxy-engine';
import { formatListenPlace, listenPlaceOf } from '../../../src/listeners/rules/listen-place.js';

test.each<[kind: ListenKind, bind: string, port: number, text: string]>([
  ['tcp', '', 8000, '127.0.0.1:8000'],
  ['tcp', '::FFFF:192.0.2.1', 443, '192.0.2.1:443'],
  ['tcp', '*', 8443, '*:8443'],
  ['udp', '0:0::1', 53, '[::1]:53/udp'],
  ['udp', 'localhost', 0, '127.0.0.1:0/udp'],
  ['unix', '/run/wsproxy/app', 0, 'unix:/run/wsproxy/app'],
  ['http', 'App.Example.ORG.', 0, 'http:app.example.org'],
  ['tls', '*.Example.org', 0, 'tls:*.example.org'],
])('a place for %s %s %i has one spelling, that of rules: %s', (kind, bind, port, text) => {
  const place = listenPlaceOf(kind, bind, port);
  expect(place && formatListenPlace(place)).toBe(text);
});
