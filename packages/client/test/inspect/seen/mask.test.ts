import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MASK, NO_MASK } from '../../../src/inspect/seen/mask.js';
import { maskJson } from '../../../src/inspect/seen/mask-json.js';

const header = (name: string, value: string) => MASK.headers([name, value])[1];
const form = (text: string) => MASK.text(text, 'application/x-www-form-urlencoded');

describe('what is shown of headers', () => {
  test('has no credentials and no cookies, but their schemes, names and attributes', () => {
    expect(header('Authorization', 'Bearer abc.def')).toBe('Bearer ***');
    expect(header('AUTHORIZATION', 'abcdef')).toBe('***');
    expect(header('Proxy-Authorization', 'Basic dTpw')).toBe('Basic ***');
    expect(header('Cookie', 'sid=1; theme=dark')).toBe('sid=***; theme=***');
    expect(header('set-cookie', 'sid=1=2; Path=/; HttpOnly')).toBe('sid=***; Path=/; HttpOnly');
    expect(header('X-Api-Key', 'k')).toBe('***');
    expect(header('X-Auth-Key', 'k')).toBe('***');
    expect(header('Cf-Access-Jwt-Assertion', 'a.b.c')).toBe('***');
    expect(header('Location', 'https://host/blob?sv=1&sig=s')).toBe('https://host/blob?sv=1&sig=***');
    expect(header('Referer', 'https://u:p@host/?token=1&a=2')).toBe('https://u:***@host/?token=***&a=2');
    expect(header('Accept', 'text/html')).toBe('text/html');
    expect(header('Sec-WebSocket-Protocol', 'wsproxy.v1, ticket.abc,base64url.bearer.authorization.k8s.io.abc')).toBe(
      'wsproxy.v1, ticket.***,base64url.bearer.authorization.k8s.io.***',
    );
  });

  test('has all of it for those who ask for it', () => {
    const headers = ['Authorization', 'Bearer abc'];
    expect(NO_MASK.headers(headers)).toEqual(headers);
  });
});

describe('what is shown of URLs and forms', () => {
  test('has no values with secret names', () => {
    expect(MASK.url('wss://me:pw@host:1/a;sid=9?access_token=x&q=1#id_token=y')).toBe(
      'wss://me:***@host:1/a;sid=***?access_token=***&q=1#id_token=***',
    );
    expect(form('user=me&pass%77ord=a%26b&max_tokens=5&user[password]=x')).toBe(
      'user=me&pass%77ord=***&max_tokens=5&user[password]=***',
    );
    expect(MASK.text('a=1&password=x', '')).toBe('a=1&password=***');
    const payload = (token: string) => `a=+&payload=${encodeURIComponent(JSON.stringify({ token, b: 1 }))}`;
    expect(form(payload('x'))).toBe(payload('***'));
    for (const cut of ['%22', '%2', '%', '']) expect(form(`p=%7B%22token%22:%22abc${cut}`)).not.toContain('abc');
  });

  test('has no secret part of a form of several, even if it was cut off', () => {
    const part = (name: string, value: string) =>
      `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const text = `${part('user', 'me')}${part('password', 'x\r\ny')}--b--\r\n`;
    expect(MASK.text(text, 'multipart/form-data')).toBe(text.replace('x\r\ny', '***'));
    const json = (secret: string) => part('map', JSON.stringify({ secret, b: 1 }));
    expect(MASK.text(json('x'), 'multipart/form-data')).toBe(json('***'));
    expect(MASK.text(part('password', 'half').slice(0, -3), 'multipart/form-data')).toBe(part('password', '***'));
  });
});

describe('what is shown of a login', () => {
  const code = 'SplxlOBeZQQYbYS6WxSbIA';

  test('has no code of OAuth, which is longer than those that are no secret', () => {
    expect(MASK.url(`https://app/back?code=${code}&state=x#code=${code}`)).toBe(
      'https://app/back?code=***&state=x#code=***',
    );
    expect(form(`grant_type=authorization_code&code=${code}&code_verifier=abc&code=49`)).toBe(
      'grant_type=authorization_code&code=***&code_verifier=***&code=49',
    );
    expect(maskJson(`{"code":"ECONNREFUSED_BY_PEER"}`)).toContain('ECONNREFUSED');
  });

  test('has no user without a password in a URL: it may be a token', () => {
    expect(MASK.url('https://ghp_abc@host/a@b?c=d@e')).toBe('https://***@host/a@b?c=d@e');
    expect(MASK.url('https://host/a@b')).toBe('https://host/a@b');
  });
});

describe('what is shown of XML', () => {
  const xml = (text: string) => MASK.text(text, 'application/soap+xml');

  test('has nothing within elements and attributes of secret names', () => {
    expect(
      xml('<a><wsse:Password Type="x"><![CDATA[s<e>]]></wsse:Password><b token=\'t\' c="1"/><password/>d</a>'),
    ).toBe('<a><wsse:Password Type="x">***</wsse:Password><b token="***" c="1"/><password/>d</a>');
    expect(MASK.text('<auth mechanism="PLAIN">AG1lAHB3</auth>', '')).toBe('<auth mechanism="PLAIN">***</auth>');
  });

  test('has nothing of a secret that was cut off', () => {
    for (const text of ['<password>abc', '<password>abc</pass', '<a password="abc', '<a token="abc" b'])
      expect(xml(text), text).not.toContain('abc');
  });
});

describe('what is shown of JSON', () => {
  test('has no secrets in its strings that are JSON themselves, even if they were cut off', () => {
    const inner = (value: string) => JSON.stringify({ a: 1, body: JSON.stringify({ list: [{ password: value }] }) });
    const twice = JSON.stringify([inner('abc'), '{not JSON', 'text']);
    expect(maskJson(twice)).toBe(JSON.stringify([inner('***'), '{not JSON', 'text']));
    for (let length = twice.indexOf('abc') + 1; length < twice.length; length++)
      expect(maskJson(twice.slice(0, length))).not.toContain('ab');
  });

  test('has no values with secret names, of any kind and however deep', () => {
    expect(maskJson('{"a":[{"password" : "x\\"y","b":1}],"api_key":12,"secret":{"p":["}"]},"c":"token"}')).toBe(
      '{"a":[{"password" : "***","b":1}],"api_key":"***","secret":"***","c":"token"}',
    );
    expect(maskJson('{"pass\\u0077ord":"x"}')).toBe('{"pass\\u0077ord":"***"}');
  });

  test('has nothing of a secret that was cut off', () => {
    for (const value of ['"abc', '"abc\\', '{"a":"abc', '["abc', 'abc'])
      expect(maskJson(`{"token":${value}`)).not.toContain('abc');
  });

  test('is the same JSON but for those values', () => {
    const hide = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(hide);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [key, key === 'password' ? '***' : hide(inner)]),
      );
    };
    const key = fc.constantFrom('password', 'a', 'b"\\', 'c:', '{');
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom(null, true),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom(0, 2), (value, indent) => {
        // -0 is written as 0.
        const text = JSON.stringify(value, undefined, indent);
        expect(JSON.parse(maskJson(text))).toEqual(hide(JSON.parse(text)));
      }),
    );
  });

  test('takes a time that grows with its length alone', () => {
    const began = performance.now();
    maskJson('"token":['.repeat(100_000));
    maskJson('{"a":"'.repeat(200_000));
    maskJson('"'.repeat(1_000_000));
    for (const begin of ['<password>', '<a', '<a b', '<a b="']) MASK.text(begin.repeat(200_000), 'text/xml');
    MASK.text(`<${'a'.repeat(1_000_000)}<`, 'text/xml');
    MASK.text(`<a ${'b'.repeat(1_000_000)}>`, 'text/xml');
    MASK.text(`${'a=1&'.repeat(250_000)} `, '');
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
