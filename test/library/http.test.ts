import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer, get as getSecurely } from 'node:https';
import { text } from 'node:stream/consumers';
import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort, listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

/** A web server that says what was asked for, and how many connections it has had. */
async function startWeb() {
  let connections = 0;
  const server = createServer((request, response) => response.end(`you asked for ${request.url}`));
  server.on('connection', () => {
    connections += 1;
  });
  const { port } = await listenOn(server);
  return {
    url: `http://127.0.0.1:${port}`,
    connections: () => connections,
    closeIdle: () => server.closeIdleConnections(),
  };
}

async function startSecureWeb() {
  const certificate = await makeCertificate(temporaryFolder(), 'DNS:localhost', 1);
  const server = createTlsServer(certificate, (_request, response) => response.end('in private'));
  const { port } = await listenOn(server);
  return { url: `https://localhost:${port}/`, ca: certificate.cert, closeIdle: () => server.closeIdleConnections() };
}

async function body(request: ReturnType<typeof get>): Promise<string> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return text(response);
}

describe('client.agent', () => {
  test('carries requests of node:http', async () => {
    const [{ client }, { url }] = [await startTunnel(), await startWeb()];
    expect(await body(get(`${url}/page`, { agent: client.agent() }))).toBe('you asked for /page');
  });

  test('keeps its channels between requests when told to', async () => {
    const [{ client }, { url, connections }] = [await startTunnel(), await startWeb()];
    const agent = client.agent({ keepAlive: true });
    for (let n = 0; n < 5; n++) expect(await body(get(`${url}/${n}`, { agent }))).toBe(`you asked for /${n}`);
    expect(connections()).toBe(1);
    agent.destroy();
  });

  test('opens another channel when the server has closed the idle one, and leaves nothing open', async () => {
    const [{ client }, { url, connections, closeIdle }] = [await startTunnel(), await startWeb()];
    const agent = client.agent({ keepAlive: true });
    for (let n = 1; n <= 3; n++) {
      expect(await body(get(`${url}/${n}`, { agent }))).toBe(`you asked for /${n}`);
      expect(connections()).toBe(n);
      closeIdle();
      await until('the channel is over', () => client.channelCount === 0);
      await until('the agent has noticed', () => Object.keys(agent.freeSockets).length === 0);
    }
    agent.destroy();
  });

  test('fails a request as the destination did', async () => {
    const { client } = await startTunnel();
    const request = get(`http://127.0.0.1:${await freePort()}/`, { agent: client.agent() });
    const [error] = await once(request, 'error');
    expect(error).toMatchObject({ code: 'CONNECTION_REFUSED' });
  });

  test('leaves nothing open when a request is given up', async () => {
    const [{ client }, { url }] = [await startTunnel(), await startWeb()];
    const abort = new AbortController();
    const request = get(url, { agent: client.agent(), signal: abort.signal });
    abort.abort();
    const [error] = await once(request, 'error');
    expect(error).toMatchObject({ name: 'AbortError' });
  });
});

describe('client.dispatcher', () => {
  test('carries fetch, over one channel while it can', async () => {
    const [{ client }, { url, connections }] = [await startTunnel(), await startWeb()];
    const dispatcher = await client.dispatcher({ connections: 1 });
    for (let n = 0; n < 5; n++) {
      const response = await fetch(`${url}/${n}`, { dispatcher });
      expect(await response.text()).toBe(`you asked for /${n}`);
    }
    expect(connections()).toBe(1);
    await dispatcher.close();
  });

  test('opens another channel when the server has closed the idle one, and leaves nothing open', async () => {
    const [{ client }, { url, connections, closeIdle }] = [await startTunnel(), await startWeb()];
    const dispatcher = await client.dispatcher({ connections: 1 });
    for (let n = 1; n <= 3; n++) {
      expect(await (await fetch(`${url}/${n}`, { dispatcher })).text()).toBe(`you asked for /${n}`);
      expect(connections()).toBe(n);
      closeIdle();
      await until('the channel is over', () => client.channelCount === 0);
    }
    await dispatcher.close();
  });

  test('fails as the destination did, with the cause', async () => {
    const { client } = await startTunnel();
    const dispatcher = await client.dispatcher();
    await expect(fetch(`http://127.0.0.1:${await freePort()}/`, { dispatcher })).rejects.toMatchObject({
      cause: { code: 'CONNECTION_REFUSED' },
    });
    await dispatcher.close();
  });
});

describe('https', () => {
  skipUnlessInstalled('openssl');

  test('is spoken with the destination itself, whose certificate is checked', async () => {
    const [{ client }, { url, ca }] = [await startTunnel(), await startSecureWeb()];
    expect(await body(getSecurely(url, { agent: client.agent(), ca }))).toBe('in private');
    const [error] = await once(getSecurely(url, { agent: client.agent() }), 'error');
    expect(error).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });

  test('is spoken over channels that are kept, however the request says so', async () => {
    const [{ client }, { url, ca }] = [await startTunnel(), await startSecureWeb()];
    const agent = client.agent({ keepAlive: true, maxSockets: 1 });
    const { hostname: host, port } = new URL(url);
    const ask = (n: number) => (n % 2 === 0 ? getSecurely({ agent, ca, host, port }) : getSecurely(url, { agent, ca }));
    const bodies = await Promise.all([0, 1, 2, 3].map((n) => body(ask(n))));
    expect(bodies).toEqual(Array.from({ length: 4 }, () => 'in private'));
    await until('the connection is free', () => Object.keys(agent.freeSockets).length === 1);
    const last = ask(4);
    expect(await body(last)).toBe('in private');
    expect([last.reusedSocket, client.channelCount]).toEqual([true, 1]);
    agent.destroy();
  });

  test('leaves nothing open when the server has closed an idle connection', async () => {
    const [{ client }, { url, ca, closeIdle }] = [await startTunnel(), await startSecureWeb()];
    const agent = client.agent({ keepAlive: true });
    const dispatcher = await client.dispatcher({ tls: { ca } });
    for (let n = 0; n < 2; n++) {
      expect(await body(getSecurely(url, { agent, ca }))).toBe('in private');
      expect(await (await fetch(url, { dispatcher })).text()).toBe('in private');
      closeIdle();
      await until('the channels are over', () => client.channelCount === 0);
    }
    agent.destroy();
    await dispatcher.close();
  });

  test('the same for fetch', async () => {
    const [{ client }, { url, ca }] = [await startTunnel(), await startSecureWeb()];
    const dispatcher = await client.dispatcher({ tls: { ca } });
    expect(await (await fetch(url, { dispatcher })).text()).toBe('in private');
    await dispatcher.close();
    const other = await client.dispatcher();
    await expect(fetch(url, { dispatcher: other })).rejects.toMatchObject({
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    });
    await other.close();
  });
});
