import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  explainListenError,
  formatListenAddress,
  parseListenAddress,
  parseListenOrUnix,
} from '../src/listen-address.js';

describe('parseListenAddress', () => {
  it.each([
    ['1080', { host: '127.0.0.1', port: 1080 }],
    ['0', { host: '127.0.0.1', port: 0 }],
    ['0.0.0.0:65535', { host: '0.0.0.0', port: 65_535 }],
    ['localhost:1080', { host: 'localhost', port: 1080 }],
    ['[::1]:1080', { host: '::1', port: 1080 }],
    ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
  ])('reads %s', (text, address) => {
    expect(parseListenAddress(text, '127.0.0.1')).toEqual(address);
  });

  it.each(['', ':', ':1080', '::1:1080', '::1', '[::1]', '[]:1', '[127.0.0.1]:1', '[nonsense]:1', 'host:', 'host:x'])(
    'refuses %j and says what is expected',
    (text) => {
      expect(() => parseListenAddress(text, '127.0.0.1')).toThrow(InvalidArgumentError);
      expect(() => parseListenAddress(text, '127.0.0.1')).toThrow('Expected [host:]port with IPv6 in brackets');
    },
  );

  it.each(['1080 ', ' 1080', 'a b:1', 'http://host:1', '+1', '-1', '1e3', '1080\n'])('refuses %j', (text) => {
    expect(() => parseListenAddress(text, '127.0.0.1')).toThrow(InvalidArgumentError);
  });

  it('refuses a port above 65535', () => {
    expect(() => parseListenAddress('65536', '127.0.0.1')).toThrow('Expected a port from 0 to 65535.');
  });

  it('reads what formatListenAddress has written', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    fc.assert(
      fc.property(host, fc.nat(65_535), (host, port) => {
        expect(parseListenAddress(formatListenAddress({ host, port }), 'default')).toEqual({ host, port });
      }),
    );
  });
});

describe('parseListenOrUnix', () => {
  it('reads a path and an address, and formatListenAddress writes both', () => {
    for (const text of ['unix:/run/a b.sock', 'unix:name', '[::1]:1080']) {
      expect(formatListenAddress(parseListenOrUnix(text, '127.0.0.1'))).toBe(text);
    }
    expect(parseListenOrUnix('unix:/run/a.sock', '127.0.0.1')).toEqual({ path: '/run/a.sock' });
  });

  it('leaves no path that Node would take for a port', () => {
    expect(parseListenOrUnix('unix:1080', '127.0.0.1')).toEqual({ path: './1080' });
  });

  it.each(['unix:', 'unix:a\0b', `unix:/${'ü'.repeat(60)}`])('refuses %j', (text) => {
    expect(() => parseListenOrUnix(text, '127.0.0.1')).toThrow(InvalidArgumentError);
  });
});

describe('explainListenError', () => {
  const address = { host: '::1', port: 80 };

  it.each([
    ['EADDRINUSE', 'cannot listen on [::1]:80: the port is in use; choose another port with'],
    ['EACCES', 'cannot listen on [::1]:80: no permission; choose a port above 1023 with --listen'],
    ['EADDRNOTAVAIL', 'cannot listen on [::1]:80: this machine has no such address; choose another with --listen'],
  ])('says what %s means and what to do', (code, message) => {
    const error = Object.assign(new Error(`listen ${code}`), { code });
    expect(explainListenError(error, address)).toMatchObject({
      exitCode: 1,
      cause: error,
      message: expect.stringContaining(message),
    });
  });

  it('has words of its own for a path', () => {
    const error = Object.assign(new Error('listen'), { code: 'EADDRINUSE' });
    expect(explainListenError(error, { path: '/run/a\nb' }).message).toBe(
      'cannot listen on unix:/run/a\\u000ab: another program listens there; end it or choose another path with --listen',
    );
  });

  it('falls back to the message of an unknown error', () => {
    expect(explainListenError(new Error('odd\nthing'), address).message).toBe(
      'cannot listen on [::1]:80: odd\\u000athing',
    );
  });
});
