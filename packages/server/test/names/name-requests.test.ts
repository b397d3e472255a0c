import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { FakeOwner } from './fake-owner.js';
import { ask, bodyOf, getOf, openSocket, startNames, startService } from './start-names.js';

/** A port with one name, `app.example.org`, whose service tells what it was asked. */
async function startEcho(options = {}) {
  const names = await startNames({}, options);
  const service = await startService(async (incoming, response) => {
    const body = await bodyOf(incoming);
    const { method, url, rawHeaders, rawTrailers } = incoming;
    response.end(JSON.stringify({ method, url, rawHeaders, rawTrailers, body }));
  });
  const owner = new FakeOwner('alice', service.port);
  await names.hold('http', 'app.example.org', owner);
  return { ...names, service, owner };
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
}

/** What the service was asked, as it tells. */
function toldIn(answer: string): { method: string; url: string; fields: Record<string, string>; body: string } {
  const { method, url, rawHeaders, body } = JSON.parse(/\{.*\}/s.exec(answer)?.[0] ?? '{}');
  const fields: Record<string, string> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i].toLowerCase();
    fields[name] = name in fields ? `${fields[name]} | ${rawHeaders[i + 1]}` : rawHeaders[i + 1];
  }
  return { method, url, fields, body };
}

describe('a request', () => {
  test.each(['app.example.org', 'APP.Example.ORG', 'app.example.org:8080', 'app.example.org.', 'app.example.org.:80'])(
    'for %s goes to the one who holds app.example.org, with the Host as it was written',
    async (host) => {
      const { port, owner } = await startEcho();
      const told = toldIn(await ask(port, getOf(host)));
      expect(told.fields['host']).toBe(host);
      expect(owner.arrivals).toEqual([{ peer: undefined, local: undefined, name: 'app.example.org' }]);
    },
  );

  test('in absolute form goes to the host in it, no matter what the Host field says', async () => {
    const { port } = await startEcho();
    const answer = await ask(
      port,
      'GET http://app.example.org:81/a?b HTTP/1.1\r\nHost: other.example.org\r\nConnection: close\r\n\r\n',
    );
    const told = toldIn(answer);
    expect([told.url, told.fields['host'], told.fields['x-forwarded-host']]).toEqual([
      '/a?b',
      'app.example.org:81',
      'app.example.org:81',
    ]);
  });

  test('P3 for a name that nobody holds gets the same page, no matter what it is', async () => {
    const { port, hold } = await startEcho();
    await hold('tls', 'db.example.org', new FakeOwner('bob', 1));
    const dateless = (answer: string) => answer.replace(/Date: [^\r]*\r\n/, '');
    const answers = [];
    for (const host of ['a.org', 'example.org', 'db.example.org', 'x.app.example.org', '127.0.0.1', '[::1]:80']) {
      answers.push(dateless(await ask(port, getOf(host))));
    }
    expect(statusOf(answers[0] ?? '')).toBe(404);
    expect(new Set(answers).size).toBe(1);
  });

  test.each([
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['no Host, of HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', 400],
    ['an empty Host', getOf(''), 400],
    ['two Hosts', getOf('app.example.org', 'Host: app.example.org\r\n'), 400],
    ['a user in Host', getOf('me@app.example.org'), 400],
    ['a list in Host', getOf('app.example.org, b.org'), 400],
    ['a path in Host', getOf('app.example.org/a'), 400],
    ['a user in absolute form', 'GET http://me@app.example.org/ HTTP/1.1\r\nHost: app.example.org\r\n\r\n', 400],
    ['another scheme', 'GET ftp://app.example.org/ HTTP/1.1\r\nHost: app.example.org\r\n\r\n', 400],
    ['CONNECT', 'CONNECT app.example.org:443 HTTP/1.1\r\nHost: app.example.org\r\n\r\n', 405],
    ['a head of 20 KiB', getOf('app.example.org', `A: ${'a'.repeat(20_000)}\r\n`), 431],
    ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: app.example.org\r\nConnection: close\r\n\r\n', 505],
    [
      'content and an upgrade',
      getOf('app.example.org', 'Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 1\r\n'),
      400,
    ],
  ])('with %s is refused', async (_what, text, status) => {
    const { port, owner } = await startEcho();
    expect(statusOf(await ask(port, text))).toBe(status);
    expect(owner.arrivals).toEqual([]);
  });

  // Each of these has been read in two ways by two programs in a row (RFC 9112 section 11.2).
  test.each([
    [
      'P1 both Transfer-Encoding and Content-Length',
      'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['two Content-Lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello'],
    ['two Content-Lengths in one field', 'Content-Length: 5, 6\r\n\r\nhello'],
    ['a Content-Length with a sign', 'Content-Length: +5\r\n\r\nhello'],
    ['a coding before chunked', 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['a vertical tab before chunked', 'Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n'],
    ['chunked twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a space before a colon', 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n'],
    ['a folded field', 'Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n'],
    ['a bare LF', 'X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a bare CR', 'X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a NUL', 'X: a\0b\r\n\r\n'],
  ])('with %s reaches nobody', async (_what, rest) => {
    const { port, owner } = await startEcho();
    const text = `POST / HTTP/1.1\r\nHost: app.example.org\r\nConnection: close\r\n${rest}`;
    expect([400, 501]).toContain(statusOf(await ask(port, text)));
    expect(owner.arrivals).toEqual([]);
  });

  test('with a coding that is none reaches nobody, with or without an answer', async () => {
    const { port, owner } = await startEcho();
    await ask(port, 'POST / HTTP/1.1\r\nHost: app.example.org\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n');
    expect(owner.arrivals).toEqual([]);
  });

  test('P1 with chunks that two readers could cut in two ways ends with its connection, and with that of the service', async () => {
    const { port, service } = await startEcho();
    const text = 'POST / HTTP/1.1\r\nHost: app.example.org\r\nTransfer-Encoding: chunked\r\n\r\n2\nxx\n0\n\n';
    expect(await ask(port, text)).toBe('');
    for (const socket of service.sockets) if (!socket.closed) await once(socket, 'close');
  });

  test('loses the fields that are for one hop, and those that Connection names', async () => {
    const { port } = await startEcho();
    const fields =
      'Connection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: a\r\nTE: gzip, trailers\r\nProxy-Authorization: b\r\n';
    const told = toldIn(
      await ask(port, getOf('app.example.org', `${fields}Upgrade: h2c\r\nHTTP2-Settings: c\r\nX-Other: 2\r\n`)),
    );
    expect(Object.keys(told.fields).sort()).toEqual(
      ['connection', 'host', 'te', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-other'].sort(),
    );
    expect([told.fields['connection'], told.fields['te']]).toEqual(['keep-alive, TE', 'trailers']);
  });

  test('that asks for another protocol than WebSocket is answered as any other', async () => {
    const { port } = await startEcho();
    const answer = await ask(
      port,
      'GET / HTTP/1.1\r\nHost: app.example.org\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
    );
    expect(statusOf(answer)).toBe(200);
    expect(toldIn(answer).fields['upgrade']).toBeUndefined();
  });

  test('brings its content and its trailers, and takes no longer for it than it comes', async () => {
    const { port } = await startEcho();
    const wire = await openSocket(port);
    wire.socket.write(
      'PUT /a HTTP/1.1\r\nHost: app.example.org\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    );
    wire.socket.write('6\r\n world\r\n0\r\nX-Sum: 9\r\n\r\n');
    const [told = ''] = await wire.read(/\{.*\}/s);
    expect(JSON.parse(told)).toMatchObject({ body: 'hello world', rawTrailers: ['X-Sum', '9'] });
    wire.socket.write('POST /b HTTP/1.1\r\nHost: app.example.org\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc');
    await wire.over;
    expect(wire.text).toContain('"body":"abc"');
  });
});

describe('whom a request is from', () => {
  test('P2 is not said behind its content', async () => {
    const { port } = await startEcho({ trusted: '127.0.0.1' });
    const wire = await openSocket(port);
    const lies =
      'X-Forwarded-For: 192.0.2.1\r\nx_forwarded_host: a.org\r\nForwarded: for=b\r\nHost: a.org\r\nX-Sum: 9\r\n';
    wire.socket.write(
      `POST / HTTP/1.1\r\nHost: app.example.org\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n${lies}\r\n`,
    );
    const [told = ''] = await wire.read(/\{.*\}/s);
    expect(JSON.parse(told)).toMatchObject({ body: 'hi', rawTrailers: ['X-Sum', '9'] });
  });

  const lies =
    'X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.org\r\nForwarded: for=b\r\nX_Forwarded_For: c\r\nX-Real-IP: d\r\nX-Forwarded-Port: 1\r\n';

  test('P2 is set anew, no matter what a stranger has written', async () => {
    const { port } = await startEcho();
    const { fields } = toldIn(await ask(port, getOf('app.example.org', lies)));
    expect(fields).toEqual({
      host: 'app.example.org',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'app.example.org',
      connection: 'keep-alive',
    });
  });

  test('is what a trusted proxy says, with the proxy behind it', async () => {
    const { port } = await startEcho({ trusted: '127.0.0.1' });
    const { fields } = toldIn(await ask(port, getOf('app.example.org', lies)));
    expect(fields).toMatchObject({
      'x-forwarded-for': '192.0.2.1, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'a.org',
      'x-forwarded-port': '1',
      forwarded: 'for=b',
    });
    expect(fields['x_forwarded_for']).toBeUndefined();
  });
});

describe('an answer', () => {
  test('comes as the service gave it: status, reason, fields in their case and order, and no more', async () => {
    const names = await startNames();
    const service = await startService((_incoming, response) => {
      response.sendDate = false;
      response
        .writeHead(299, 'Odd', ['B', '1', 'a', '2', 'B', '3', 'Connection', 'close, a', 'Content-Length', '2'])
        .end('ok');
    });
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    const answer = (await ask(names.port, getOf('a.org'))).replace(/Date: [^\r]*\r\n/, '');
    expect(answer).toBe('HTTP/1.1 299 Odd\r\nB: 1\r\nB: 3\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
  });

  test('to HEAD has the length of what it does not bring, and the connection goes on', async () => {
    const names = await startNames();
    const service = await startService((_incoming, response) => response.setHeader('Content-Length', 1_234).end());
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(names.port);
    for (let i = 0; i < 2; i += 1) {
      wire.socket.write('HEAD / HTTP/1.1\r\nHost: a.org\r\n\r\n');
      await wire.read(
        new RegExp(`^(?:HTTP/1\\.1 200 OK\r\n(?:[^\r]+\r\n)*Content-Length: 1234\r\n(?:[^\r]+\r\n)*\r\n){${i + 1}}$`),
      );
    }
    expect(service.sockets).toHaveLength(1);
  });

  test.each([
    ['as for a WebSocket', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'],
    ['that names none', ''],
  ])('that goes on in a protocol which nobody has asked for, %s, is none', async (_title, fields) => {
    const names = await startNames();
    const service = await startService((incoming) => {
      incoming.socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\nHTTP/1.1 200 OK\r\n\r\n`);
    });
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    const answer = await ask(names.port, getOf('a.org'));
    expect([statusOf(answer), answer.match(/HTTP/g)?.length]).toEqual([502, 1]);
    for (const socket of service.sockets) if (!socket.closed) await once(socket, 'close');
  });

  test('has its trailers', async () => {
    const names = await startNames();
    const service = await startService((incoming, response) => {
      // As Node would not.
      if (incoming.method === 'HEAD')
        return incoming.socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n');
      response.writeHead(200, { Trailer: 'X-Sum' });
      response.write('ok');
      response.addTrailers({ 'X-Sum': '9' });
      return response.end();
    });
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    expect(await ask(names.port, getOf('a.org'))).toMatch(/Trailer: X-Sum\r\n.*2\r\nok\r\n0\r\nX-Sum: 9\r\n\r\n$/s);
    // Where nothing is chunked there are none.
    for (const text of ['GET / HTTP/1.0\r\nHost: a.org\r\n\r\n', getOf('a.org').replace('GET', 'HEAD')]) {
      const answer = await ask(names.port, text);
      expect([statusOf(answer), answer.includes('Trailer')]).toEqual([200, false]);
    }
  });

  test('brings each event of a stream as it comes, and its head before the first', async () => {
    const names = await startNames();
    let say: (text: string) => void = () => {};
    const service = await startService((_incoming, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
      say = (text) => void response.write(text);
    });
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(names.port);
    wire.socket.write('GET / HTTP/1.1\r\nHost: a.org\r\n\r\n');
    await wire.read(/text\/event-stream\r\n.*\r\n\r\n$/s);
    for (const event of ['one', 'two', 'three']) {
      say(`data: ${event}\n\n`);
      await wire.read(new RegExp(`data: ${event}\n\n\r\n$`));
    }
  });

  test('comes after the interim ones, which HTTP/1.0 does not get', async () => {
    const names = await startNames();
    const service = await startService((_incoming, response) => {
      response.writeProcessing();
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      response.end('ok');
    });
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    expect(await ask(names.port, getOf('a.org'))).toMatch(
      /^HTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    );
    expect(await ask(names.port, 'GET / HTTP/1.0\r\nHost: a.org\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test('invites content that was announced when the service does, or refuses it', async () => {
    const names = await startNames();
    const service = await startService(async (incoming, response) => response.end(await bodyOf(incoming)));
    service.server.on('checkContinue', (incoming, response) => {
      if (incoming.url === '/no') {
        response.writeHead(413).end();
        return;
      }
      response.writeContinue();
      service.server.emit('request', incoming, response);
    });
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(names.port);
    wire.socket.write('POST / HTTP/1.1\r\nHost: a.org\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
    await wire.read(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    wire.socket.write('hello');
    await wire.read(/200 OK.*Connection: keep-alive\r\n.*hello$/s);
    const other = await openSocket(names.port);
    other.socket.write('POST /no HTTP/1.1\r\nHost: a.org\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
    await other.read(/^HTTP\/1\.1 413 /);
  });
});

describe('an end that is none', () => {
  test.each([
    ['in chunks', { 'Transfer-Encoding': 'chunked' }],
    ['of a known length', { 'Content-Length': '100' }],
  ])('of an answer %s resets the connection of the one who has asked', async (_what, headers) => {
    const names = await startNames();
    const service = await startService((_incoming, response) => {
      response.writeHead(200, headers).write('half', () => response.socket?.destroySoon());
    });
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(names.port);
    wire.socket.write('GET / HTTP/1.1\r\nHost: a.org\r\n\r\n');
    expect(await wire.over).toBe('ECONNRESET');
  });

  test('of an answer until the end of its connection resets it as well, and an end is an end', async () => {
    const names = await startNames();
    const service = await startService((incoming) => {
      incoming.socket.write('HTTP/1.0 200 OK\r\n\r\nhalf');
      if (incoming.url === '/whole') incoming.socket.end();
    });
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(names.port);
    wire.socket.write('GET /cut HTTP/1.0\r\nHost: a.org\r\n\r\n');
    await wire.read(/half$/);
    service.sockets[0]?.resetAndDestroy();
    expect(await wire.over).toBe('ECONNRESET');
    expect(await ask(names.port, 'GET /whole HTTP/1.0\r\nHost: a.org\r\n\r\n')).toMatch(/200 OK.*half$/s);
  });

  test('of a request ends it at the service', async () => {
    const names = await startNames();
    let onCut: (isAborted: boolean) => void = () => {};
    const cut = new Promise<boolean>((resolve) => {
      onCut = resolve;
    });
    const service = await startService((incoming) => {
      incoming.on('error', () => onCut(!incoming.complete)).resume();
    });
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(names.port);
    wire.socket.write('POST / HTTP/1.1\r\nHost: a.org\r\nContent-Length: 100\r\n\r\nhalf');
    await once(service.server, 'request');
    wire.socket.destroy();
    expect(await cut).toBe(true);
  });

  test('of anyone who waits for an answer ends the request at the service', async () => {
    const names = await startNames();
    const service = await startService(() => {});
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(names.port);
    wire.socket.write('GET / HTTP/1.1\r\nHost: a.org\r\n\r\n');
    const [, response] = await once(service.server, 'request');
    wire.socket.destroy();
    await once(response, 'close');
  });
});

describe('connections to a service', () => {
  const get = (port: number, host: string, agent: Agent) =>
    new Promise<string>((resolve, reject) => {
      const asking = request({ host: '127.0.0.1', port, agent, headers: { host } }, (answer) =>
        resolve(bodyOf(answer)),
      );
      asking.on('error', reject).end();
    });

  test('are kept for requests of one name, also of strangers, and never used for two', async () => {
    const names = await startNames();
    const service = await startService((incoming, response) => response.end(incoming.headers.host));
    const owner = new FakeOwner('alice', service.port);
    await names.hold('http', '*.example.org', owner);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (const host of ['a.example.org', 'b.example.org', 'a.example.org', 'A.example.org:1']) {
      expect(await get(names.port, host, agent)).toBe(host);
    }
    agent.destroy();
    expect(await ask(names.port, getOf('b.example.org'))).toContain('b.example.org');
    expect(owner.arrivals.map(({ name }) => name)).toEqual(['a.example.org', 'b.example.org']);
  });

  test('are of one request alone, if that has content or changes something', async () => {
    const { port, owner, service } = await startEcho();
    for (const method of ['POST', 'DELETE', 'PUT', 'GET', 'GET']) {
      await ask(
        port,
        `${method} / HTTP/1.1\r\nHost: app.example.org\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      );
    }
    expect(owner.arrivals).toHaveLength(4);
    for (const socket of service.sockets.slice(0, 3)) if (!socket.closed) await once(socket, 'close');
  });

  test('that die as a request comes cost it nothing', async () => {
    const names = await startNames();
    let count = 0;
    const service = await startService((incoming, response) => {
      count += 1;
      if (count === 2) incoming.socket.destroy();
      else response.end('ok');
    });
    const owner = new FakeOwner('alice', service.port);
    await names.hold('http', 'a.org', owner);
    expect(await ask(names.port, getOf('a.org'))).toMatch(/ok/);
    expect(await ask(names.port, getOf('a.org'))).toMatch(/^HTTP\/1\.1 200.*ok/s);
    expect([count, owner.arrivals.length]).toEqual([3, 2]);
  });

  test('that die after a byte of the answer, or are new, fail the request, once', async () => {
    const names = await startNames();
    let count = 0;
    const service = await startService((incoming) => {
      count += 1;
      incoming.socket.destroy();
    });
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    expect(statusOf(await ask(names.port, getOf('a.org')))).toBe(502);
    expect(count).toBe(1);
  });

  test.each([
    ['CONNECTION_REFUSED', 502],
    ['DIAL_TIMEOUT', 504],
    ['LIMIT_REACHED', 503],
    ['SESSION_LOST', 503],
    ['DENIED', 502],
  ] as const)('that fail with %s are told by %i', async (code, status) => {
    const { port, owner } = await startEcho();
    owner.refuses = code;
    const answer = await ask(port, getOf('app.example.org'));
    expect(statusOf(answer)).toBe(status);
    expect(answer.includes('Retry-After: ')).toBe(status === 503);
  });
});

describe('an owner that is away', () => {
  test('is waited for', async () => {
    const { port, owner } = await startEcho();
    owner.isAttached = false;
    const asked = ask(port, getOf('app.example.org'));
    const posted = ask(
      port,
      'POST / HTTP/1.1\r\nHost: app.example.org\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi',
    );
    while (owner.arrivals.length < 2) await new Promise((resolve) => setImmediate(resolve));
    owner.attach();
    expect([statusOf(await asked), toldIn(await posted).body]).toEqual([200, 'hi']);
  });

  test('is waited for by as many as its backlog has room for; others are told to come again', async () => {
    const { port, owner } = await startEcho();
    Object.assign(owner, { isAttached: false, backlog: 2 });
    const first = [ask(port, getOf('app.example.org')), ask(port, getOf('app.example.org'))];
    while (owner.arrivals.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(statusOf(await ask(port, getOf('app.example.org')))).toBe(503);
    owner.attach();
    expect((await Promise.all(first)).map(statusOf)).toEqual([200, 200]);
    expect(owner.arrivals).toHaveLength(2);
  });

  test('is not waited for by anyone who goes', async () => {
    const { port, owner } = await startEcho();
    Object.assign(owner, { isAttached: false, backlog: 1 });
    const wire = await openSocket(port);
    wire.socket.write(getOf('app.example.org'));
    while (owner.arrivals.length < 1) await new Promise((resolve) => setImmediate(resolve));
    wire.socket.destroy();
    let answer = Promise.resolve('');
    do {
      answer = ask(port, getOf('app.example.org'));
    } while (owner.arrivals.length < 2 && (await Promise.race([answer, nextTurn()])).includes(' 503 '));
    while (owner.arrivals.length < 2) await nextTurn();
    owner.attach();
    expect(statusOf(await answer)).toBe(200);
  });
});

describe('too many requests', () => {
  test('wait for those before them, and are told to come again when too many wait', async () => {
    const names = await startNames({ requestsPerOwner: 1, waitingPerOwner: 1 });
    let answer: () => void = () => {};
    const service = await startService((_incoming, response) => {
      answer = () => response.end('ok');
    });
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    const first = ask(names.port, getOf('a.org'));
    await once(service.server, 'request');
    const second = ask(names.port, getOf('a.org'));
    const third = ask(names.port, getOf('a.org'));
    expect(statusOf(await Promise.race([second, third]))).toBe(503);
    const next = once(service.server, 'request');
    answer();
    expect(statusOf(await first)).toBe(200);
    await next;
    answer();
    expect((await Promise.all([second, third])).map(statusOf).sort()).toEqual([200, 503]);
  });

  test('wait no longer than they may', async () => {
    const names = await startNames({ requestsPerOwner: 1, waitTime: 20 });
    const service = await startService(() => {});
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(names.port);
    wire.socket.write(getOf('a.org'));
    await once(service.server, 'request');
    expect(statusOf(await ask(names.port, getOf('a.org')))).toBe(503);
  });
});

test('requests that were sent in a row are answered in their order, by the one who has each name', async () => {
  const names = await startNames();
  for (const name of ['a.org', 'b.org']) {
    const service = await startService((incoming, response) => response.end(`[${name}${incoming.url}]`));
    await names.hold('http', name, new FakeOwner(name, service.port));
  }
  const asked = Array.from(
    { length: 6 },
    (_, i) => `GET /${i} HTTP/1.1\r\nHost: ${i % 2 === 0 ? 'a' : 'b'}.org\r\n\r\n`,
  );
  const wire = await openSocket(names.port);
  wire.socket.write(asked.join(''));
  await wire.read(/\[b\.org\/5\]/);
  expect(wire.text.match(/\[.*?\]/g)).toEqual([
    '[a.org/0]',
    '[b.org/1]',
    '[a.org/2]',
    '[b.org/3]',
    '[a.org/4]',
    '[b.org/5]',
  ]);
});

test.each([
  'GET / HTTP/1.1\r\nHost: a.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'CONNECT a.org:1 HTTP/1.1\r\nHost: a.org\r\n\r\n',
  'nonsense\r\n\r\n',
])(
  'behind a request that is not answered yet %j ends the connection, and is not answered in its place',
  async (text) => {
    const names = await startNames();
    const service = await startService(() => {});
    await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
    const wire = await openSocket(names.port);
    wire.socket.write('GET / HTTP/1.1\r\nHost: a.org\r\n\r\n');
    const [, response] = await once(service.server, 'request');
    const given = once(response, 'close');
    wire.socket.write(text);
    await Promise.all([wire.over, given]);
    expect(wire.text).toBe('');
  },
);

test('P7 too many requests in a row, none of which waits for its answer, end their connection', async () => {
  const names = await startNames();
  const service = await startService(() => {});
  await names.hold('http', 'a.org', new FakeOwner('alice', service.port));
  const wire = await openSocket(names.port);
  wire.socket.write('GET / HTTP/1.1\r\nHost: a.org\r\n\r\n'.repeat(20));
  await wire.over;
  expect(wire.text).toBe('');
});

function nextTurn(): Promise<string> {
  return new Promise((resolve) => setImmediate(() => resolve('')));
}
