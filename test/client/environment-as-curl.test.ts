import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { proxyFromEnvironment } from 'wsproxy-client';
import { connectThrough, parseProxyUrl, type UpstreamProxy } from 'wsproxy-node/dial/upstream';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listen } from 'wsproxy-test-support/sockets/listen';

type Environment = Readonly<Record<string, string>>;

/** Ports on which nothing is ever said, and to which of them curl connects. */
async function startPorts() {
  const reached: number[] = [];
  const portThatTells = async (): Promise<number> => {
    const { port } = await listen((socket) => {
      reached.push(port);
      socket.destroy();
    });
    return port;
  };
  const [direct, ...proxies] = await Promise.all([portThatTells(), portThatTells(), portThatTells(), portThatTells()]);
  return {
    proxies: proxies as readonly number[],
    /** The port that curl connects to for each host: that of a proxy, or `direct` no matter what the host is. */
    async curl(scheme: string, hosts: readonly string[], env: Environment): Promise<readonly (number | undefined)[]> {
      reached.length = 0;
      const urls = hosts.map((host) => `${scheme}://${host}/`);
      await run('curl', ['-s', '--connect-to', `::127.0.0.1:${direct}`, ...urls], { env });
      return reached.map((port) => (port === direct ? undefined : port));
    },
  };
}

function ours(scheme: string, hosts: readonly string[], env: Environment): readonly (number | undefined)[] {
  return hosts.map((host) => {
    const proxy = proxyFromEnvironment(`${scheme}://${host}/`, env);
    return proxy === undefined ? undefined : Number(new URL(proxy).port);
  });
}

/** Told of the credentials of each request for a tunnel: `undefined` for one without. */
async function startProxy(onRequest: (credentials: string | undefined) => void): Promise<number> {
  const { port } = await listen((socket) => {
    let head = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      head += text;
      if (!head.endsWith('\r\n\r\n')) return;
      onRequest(/^proxy-authorization: basic (.*)\r$/im.exec(head)?.[1]);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
  });
  return port;
}

/** What becomes of the value of a variable: undefined if it is refused. */
function readBy(value: string): UpstreamProxy | undefined {
  try {
    const proxy = proxyFromEnvironment('ws://tunnel.example/', { http_proxy: value });
    return proxy === undefined ? undefined : parseProxyUrl(proxy);
  } catch {
    return undefined;
  }
}

/** Asks curl to go through what `value` names, and to nobody else. */
async function runCurl(value: string): Promise<string> {
  const args = ['-v', '--max-time', '5', '--connect-to', '::127.0.0.1:1', 'http://tunnel.example/'];
  return (await run('curl', args, { env: { http_proxy: value } })).stderr;
}

describe('the environment is read as curl reads it:', () => {
  skipUnlessInstalled('curl');

  test('which variable counts', async () => {
    const { proxies, curl } = await startPorts();
    const names = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'];
    const value = fc.constantFrom('', ...proxies.flatMap((port) => [`http://127.0.0.1:${port}`, `127.0.0.1:${port}/`]));
    const environment = fc.dictionary(fc.constantFrom(...names), value);
    await fc.assert(
      fc.asyncProperty(environment, fc.boolean(), async (env, isSecure) => {
        const [theirs, own] = isSecure ? ['https', 'wss'] : ['http', 'ws'];
        expect(ours(own, ['tunnel.example'], env)).toEqual(await curl(theirs, ['tunnel.example'], env));
      }),
      { numRuns: 30 },
    );
  });

  test('what NO_PROXY holds', async () => {
    const { proxies, curl } = await startPorts();
    const hosts = ['example.org', 'tunnel.example.org', 'tunnel.example.org.', 'xexample.org', '10.1.2.3', '10.9.8.7'];
    const entry = fc.oneof(
      fc.constantFrom(...hosts, 'EXAMPLE.org', '.example.org', '.example.org.', 'org', '.', '*', '..org', ''),
      fc.constantFrom('*.example.org', 'example.org:80', '10.0.0.0/8', '10.1.2.2/31', '10.1.0.0/17', '10.1.2.3/32'),
      fc.constantFrom('10.1.2.3/33', '10.', '2.3', '010.1.2.3', '10.1.2.3:80', '10.0.0/8', '::1', '2001:db8::/32'),
    );
    const separator = fc.constantFrom(',', ', ', ' ,', ',,', '\t,');
    const list = fc
      .array(fc.tuple(entry, separator), { maxLength: 4 })
      .map((pairs) => pairs.flat().slice(0, -1).join(''));
    await fc.assert(
      fc.asyncProperty(list, fc.constantFrom('no_proxy', 'NO_PROXY'), async (value, name) => {
        const env = { http_proxy: `http://127.0.0.1:${proxies[0]}`, [name]: value };
        expect(ours('ws', hosts, env)).toEqual(await curl('http', hosts, env));
      }),
      { numRuns: 60 },
    );
  });

  test('what the value of a variable is: each that curl takes is taken, and means the same', async () => {
    const told: (string | undefined)[] = [];
    const port = await startProxy((credentials) => void told.push(credentials));
    const letters = [
      'a',
      'B',
      '\\',
      ':',
      '%3A',
      '%ff',
      '%7F',
      '%40',
      '%2f',
      '%',
      '%zz',
      '%5',
      'ü',
      '%C3%BC',
      '+',
      '%2B',
      '%25',
    ];
    const text = (more: readonly string[]): fc.Arbitrary<string> =>
      fc.array(fc.constantFrom(...letters, ...more), { maxLength: 4 }).map((parts) => parts.join(''));
    const userInfo = fc.tuple(
      text([]),
      text(['"', '<', '>', ';', '&', '|', '^', '{', '[', ']', '~', '!', '*', "'", ',']),
    );
    const value = fc.tuple(
      fc.constantFrom('', 'http://', 'HTTP://', 'http:/', 'http:///', 'http:////', 'http:', '//'),
      fc.option(
        userInfo.map(([user, password]) => `${user}:${password}@`),
        { nil: '' },
      ),
      fc.constantFrom('127.0.0.1', 'localhost', 'LOCALHOST', '127.1', '0x7f.1', '2130706433', '%31%32%37.0.0.1'),
      fc.constantFrom(`:${port}`, `:0${port}`),
      fc.constantFrom('', '/', '/path', '?query', '#more', '/path?query=1#more', '/ü', ' ', '\\'),
    );
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(
        value.map((parts) => parts.join('')),
        async (http_proxy) => {
          told.length = 0;
          await runCurl(http_proxy);
          const [theirs, ...others] = told.splice(0).map((credentials) => ({ credentials }));
          expect(others).toEqual([]);
          if (theirs === undefined) return;
          taken += 1;
          const proxy = readBy(http_proxy) ?? expect.fail('curl takes it');
          const target = { host: 'tunnel.example', port: 80 };
          await expect(connectThrough(proxy, target, { signal: new AbortController().signal })).rejects.toThrow(
            '(403)',
          );
          expect(told).toEqual([theirs.credentials]);
        },
      ),
      { numRuns: 60 },
    );
    expect(taken).toBeGreaterThan(10);
  });

  test.each([
    'http://127.77.1.1',
    'http://127.77.1.1:',
    'http://127.77.1.1:/',
    'HTTP:/127.77.1.1/path',
    'u:1@127.77.1.1',
    'https://127.77.1.1',
    'https://127.77.1.1:/',
    'socks5://127.77.1.1',
    'socks5h://127.77.1.1:',
    'socks4://127.77.1.1',
    'socks4a:/127.77.1.1',
    'socks://127.77.1.1',
  ])('which port it is where none stands: %s', async (value) => {
    const [, host, port] = /Trying ([\d.]+):(\d+)/.exec(await runCurl(value)) ?? [];
    expect(readBy(value)).toMatchObject({ host, port: Number(port) });
  });
});
