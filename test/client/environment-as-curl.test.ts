import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { proxyFromEnvironment } from 'wsproxy-client';
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
    /** The port that curl connects to for each host: that of a proxy, or `direct` whatever the host is. */
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
});
