import { describe, expect, test } from 'vitest';
import { parsePublicName } from '../../src/init/public-name.js';

describe('the name by which clients reach a server', () => {
  test.each([
    ['as it is', 'tunnel.example.org', 'tunnel.example.org'],
    ['in capital letters', 'Tunnel.Example.ORG', 'tunnel.example.org'],
    ['in a URL for browsers', 'https://tunnel.example.org/', 'tunnel.example.org'],
    ['in a URL of the tunnel', 'wss://tunnel.example.org', 'tunnel.example.org'],
    ['with the dot of DNS', 'tunnel.example.org.', 'tunnel.example.org'],
    ['with blanks', '  tunnel.example.org ', 'tunnel.example.org'],
    ['in letters beyond ASCII', 'münchen.example', 'xn--mnchen-3ya.example'],
    ['in Chinese', 'https://隧道.example/', 'xn--8b4ap8j.example'],
    ['of one label', 'gateway', 'gateway'],
  ])('is taken %s', (_how, text, name) => {
    expect(parsePublicName(text)).toBe(name);
  });

  const letters = 'expected letters, digits and - between dots, such as proxy.example.org';
  const address = 'an address has no certificate that clients trust; give a name that leads to this machine';
  test.each([
    ['', 'expected the name of a host, such as proxy.example.org'],
    ['ftp://tunnel.example.org', 'expected the name of a host, such as proxy.example.org'],
    ['tunnel.example.org/path', 'a host name has no path; give the path with --path'],
    ['https://tunnel.example.org/path', 'a host name has no path; give the path with --path'],
    ['tunnel.example.org:443', 'expected the name of a host, without a port'],
    ['https://tunnel.example.org:8443/', 'expected the name of a host, without a port'],
    ['192.0.2.1', address],
    ['2001:db8::1', address],
    ['https://[2001:db8::1]:443/', address],
    ['me@tunnel.example.org', 'a host name has no user; give users with --user'],
    ['*.example.org', 'one name is needed, not all below a domain; give the one that clients use'],
    ['my_tunnel.example.org', 'a host name has no _, and gets no certificate with one'],
    ['.', letters],
    ['a..b', letters],
    ['-a.example', letters],
    ['two names', letters],
    ['0x7f.1', letters],
    [`${'a'.repeat(64)}.example`, letters],
    [`${'abcdefgh.'.repeat(28)}ab`, letters],
  ])('is not %j, and one line says why', (text, problem) => {
    expect(() => parsePublicName(text)).toThrow(new TypeError(problem));
  });
});
