import { describe, expect, test } from 'vitest';
import { forwardedFields, withoutForwarded } from '../../src/names/forwarded-fields.js';

const fields = (...lines: string[]) =>
  lines.map((line) => {
    const [name = '', value = ''] = line.split(': ');
    return { name, value };
  });
const told = (given: readonly string[], peer: string | undefined, isTrusted: boolean) =>
  forwardedFields(fields(...given), { peer, isTrusted, host: 'a.org' }).map(({ value }) => value);

describe('what a service is told of the one who has asked', () => {
  test('is of the connection, where its peer is a stranger', () => {
    expect(told(['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: https'], '198.51.100.7', false)).toEqual([
      '198.51.100.7',
      'http',
      'a.org',
    ]);
  });

  test('is what a trusted proxy has been told, in one line, with the proxy behind it', () => {
    const given = ['x-forwarded-for: 192.0.2.1', 'X-Forwarded-For: 192.0.2.2, 192.0.2.3', 'X-Forwarded-Proto: HTTPS'];
    expect(told([...given, 'X-Forwarded-Host: b.org'], '10.0.0.1', true)).toEqual([
      '192.0.2.1, 192.0.2.2, 192.0.2.3, 10.0.0.1',
      'https',
      'b.org',
    ]);
  });

  test('is what comes by a Unix socket, which has no address', () => {
    expect(told(['X-Forwarded-For: 192.0.2.1'], undefined, true)[0]).toBe('192.0.2.1');
    expect(told(['X-Forwarded-For: 192.0.2.1'], undefined, false)[0]).toBe('unknown');
  });
});

test.each([
  [true, ['X-Forwarded-Port', 'Forwarded', 'X-Real-IP', 'X-Forwarded', 'Cookie']],
  [false, ['X-Forwarded', 'Cookie']],
])(
  'of a peer that is trusted (%s) nothing passes that says more, nor what would be taken for it',
  (isTrusted, passed) => {
    const names = ['X-Forwarded-For', 'x_forwarded-for', 'X_Forwarded_Proto', 'X-Forwarded-Host'];
    const given = [...names, 'X-Forwarded-Port', 'Forwarded', 'X-Real-IP', 'X-Forwarded', 'Cookie'];
    expect(
      withoutForwarded(
        given.map((name) => ({ name, value: '' })),
        isTrusted,
      ).map(({ name }) => name),
    ).toEqual(passed);
  },
);
