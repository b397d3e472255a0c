import { createContext, runInContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { parseDestinationRule } from 'wsproxy-node/targets';
import { proxyPac } from '../../src/status/proxy-pac.js';

const PROXY = 'SOCKS5 127.0.0.1:1080; PROXY 127.0.0.1:1080';

/** What a browser makes of the file; `isInNet` as browsers have it, but that it would look a name up is an error here. */
function find(rules: readonly string[], url: string, host = new URL(url).hostname): string {
  const pac = proxyPac('127.0.0.1:1080', rules.map(parseDestinationRule));
  const context = createContext({
    dnsDomainIs: (name: string, domain: string) => name.endsWith(domain),
    isInNet(name: string, address: string, mask: string): boolean {
      const number = (text: string) => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
      if (!/^[\d.]+$/.test(name)) throw new Error(`a name was looked up: ${name}`);
      return (number(name) & number(mask)) === (number(address) & number(mask));
    },
  });
  return runInContext(`${pac}; FindProxyForURL(${JSON.stringify(url)}, ${JSON.stringify(host)})`, context) as string;
}

describe('proxy.pac', () => {
  test.each(['http://example.org/', 'https://10.0.0.1/', 'wss://[::1]:8080/x'])(
    'without rules names the proxy for %s',
    (url) => expect(find([], url)).toBe(PROXY),
  );

  test.each([
    ['printer.lan', 'http://printer.lan/'],
    ['Printer.LAN.', 'http://printer.lan/'],
    ['printer.lan:631', 'http://printer.lan:631/status'],
    ['*.corp.example', 'https://a.b.corp.example/'],
    ['*.corp.example:443', 'https://a.corp.example/?http://x:80/'],
    ['*.corp.example:443', 'wss://a.corp.example/'],
    ['10.0.0.0/8', 'http://10.255.0.1/'],
    ['192.0.2.7', 'http://192.0.2.7:8080/'],
    ['192.0.2.0/31:8000-9000,80', 'http://192.0.2.1:8500/'],
    ['0.0.0.0/0', 'http://8.8.8.8/'],
    [':8080', 'http://anything.example:8080/'],
    ['8080', 'http://user:1@anything.example:8080/'],
    ['*', 'http://anything.example/'],
  ])('leaves what %s has to the browser: %s', (rule, url) => {
    expect(find(['nothing.example', rule], url)).toBe('DIRECT');
  });

  test.each([
    ['printer.lan', 'http://a.printer.lan/'],
    ['printer.lan:631', 'http://printer.lan/'],
    ['*.corp.example', 'http://corp.example/'],
    ['*.corp.example:443', 'http://a.corp.example/'],
    ['10.0.0.0/8', 'http://11.0.0.1/'],
    ['0.0.0.0/0', 'http://name.example/'],
    // The client, which the browser then asks, dials it directly.
    ['fd00::/8', 'http://[fd00::1]/'],
  ])('knows that %s has nothing of %s', (rule, url) => expect(find([rule], url)).toBe(PROXY));
});
