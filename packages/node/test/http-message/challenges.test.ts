import { expect, test } from 'vitest';
import { schemesOf } from '../../src/http-message/challenges.js';

function schemes(...values: string[]): string[] {
  const fields = values.map((value) => ({ name: 'Proxy-Authenticate', value }));
  return schemesOf(fields, 'proxy-authenticate');
}

test.each([
  [['NTLM'], ['NTLM']],
  [
    ['Negotiate', 'NTLM', 'ntlm'],
    ['Negotiate', 'NTLM'],
  ],
  [['Negotiate, NTLM, Basic realm="a, b", charset="UTF-8"'], ['Negotiate', 'NTLM', 'Basic']],
  [['NTLM TlRMTVNTUAACAAAA=='], ['NTLM']],
  [['Digest realm="x \\", Basic y", nonce = "z", qop=auth, Basic realm=r'], ['Digest', 'Basic']],
  [['Basic realm="never closed, NTLM'], ['Basic']],
  [['', ' , ', '="x"', '\u00e9', 'x'.repeat(99)], []],
  [[], []],
])('%j offer %j', (values, expected) => {
  expect(schemes(...values)).toEqual(expected);
});

test('much that is quoted and never closed takes no time that grows with its square', () => {
  expect(schemes(`Basic x="${'\\"'.repeat(100_000)}`)).toEqual(['Basic']);
});

test('only the named field counts', () => {
  expect(schemesOf([{ name: 'WWW-Authenticate', value: 'NTLM' }], 'proxy-authenticate')).toEqual([]);
});
