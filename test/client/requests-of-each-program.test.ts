import { describe, expect, test } from 'vitest';
import { HTTP_CLIENTS, type Outcome, type Question } from 'wsproxy-test-support/programs/http-clients/http-clients';
import { skipMissing, skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { type Listener, listen } from 'wsproxy-test-support/sockets/listen';
import { startTunnel } from 'wsproxy-test-support/tunnel';

/** What curl and wget ask is seen in plain-http.test.ts. */
const PROGRAMS = ['Go', 'Java HttpClient', 'Python aiohttp', 'Python requests', 'Python urllib', 'Node undici'];

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'BREW'];
const PATHS = {
  none: '',
  query: '/a?b=c&d=/e?f',
  'query-alone': '?q',
  fragment: '/a#part?no-query',
  escaped: '/a%20b%2Fc%3Fd?e=%26&f=%e2%82%ac',
  utf8: '/straße?q=ü',
  dots: '/a/../b/./c',
  slashes: '//a//b/',
  signs: "/a;b=c,d:e@f!$&'()*+~_-.",
  'a-uri': '/http://other.example:81/x',
  long: `/${'x'.repeat(7_000)}`,
};

function questionsAt(port: number): Question[] {
  const at = `http://127.0.0.1:${port}`;
  return [
    ...METHODS.map((method) => ({ name: method, method, url: `${at}/a` })),
    ...Object.entries(PATHS).map(([name, path]) => ({ name, method: 'GET', url: at + path })),
  ];
}

/** Answers with what travels from end to end of the request. */
function startMirror(): Promise<Listener> {
  return listen((socket) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) return;
      const [line = '', ...fields] = text.slice(0, end).split('\r\n');
      const kept = fields
        .filter((field) => !/^(connection|proxy-connection|keep-alive):/i.test(field))
        .map((field) => field.replace(/^[^:]+/, (name) => name.toLowerCase()));
      const content = [line, ...kept.sort()].join('\n');
      const head = `HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\nConnection: close\r\n\r\n`;
      socket.end(line.startsWith('HEAD') ? head : head + content, 'latin1');
    });
  });
}

/** Some programs escape bytes for a proxy, or for an origin alone. */
function plain(outcome: Outcome | undefined): string {
  if (outcome?.status === undefined) return 'an error';
  const decoded = outcome.content.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return `${outcome.status} ${decoded}`;
}

describe.each(HTTP_CLIENTS.filter(({ name }) => PROGRAMS.includes(name)))('each request of $name', (client) => {
  skipUnlessInstalled(client.program);

  test('reaches its origin through the HTTP proxy as it does without', async (context) => {
    const ask = await client.prepare();
    if (ask === undefined) return skipMissing(context, client.name);
    const [{ port }, mirror] = await Promise.all([startTunnel(), startMirror()]);
    // Java writes a question mark for what is beyond ASCII, when it writes to a proxy.
    const isJava = client.name === 'Java HttpClient';
    const questions = questionsAt(mirror.port).filter(({ name }) => !(isJava && name === 'utf8'));
    const [directly, tunneled] = await Promise.all([ask(questions), ask(questions, `http://127.0.0.1:${port}`)]);
    const table = (outcomes: ReadonlyMap<string, Outcome>) =>
      Object.fromEntries(questions.map(({ name }) => [name, plain(outcomes.get(name))]));
    expect(table(tunneled)).toEqual(table(directly));
    expect(Object.values(table(directly)).filter((told) => told.startsWith('200')).length).toBeGreaterThan(15);
  });
});
