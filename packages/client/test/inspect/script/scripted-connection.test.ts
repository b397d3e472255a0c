import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Change } from '../../../src/inspect/script/calls.js';
import { scriptedEnds } from './scripted-ends.js';

const change = (parts: Partial<Change>): Change => ({ kind: 'change', headers: [], ...parts });
const json = (body: string) => ({
  ...{ kind: 'answer' as const, status: 200, statusText: '', headers: ['content-type', 'application/json'] },
  body: Buffer.from(body),
});
/** Sees all, reads all, and leaves all as it is. */
const LOOKS = {
  onRequest: async (_call: unknown, readBody: () => Promise<Uint8Array>) => void (await readBody()) as undefined,
  onResponse: async (_call: unknown, readBody: () => Promise<Uint8Array>) => void (await readBody()) as undefined,
  onMessage: () => undefined,
};

describe('what a script leaves alone passes byte for byte', () => {
  test.each([
    ['no hook', {}],
    ['hooks that do not read', { onRequest: () => undefined, onResponse: () => undefined }],
    ['hooks that read all', LOOKS],
  ])('with %s', async (_title, hooks) => {
    const { application, destination, unreadable } = scriptedEnds(hooks);
    const big = randomBytes(1_100_000);
    const rounds: readonly (readonly [request: Buffer, answer: Buffer])[] = [
      [
        Buffer.from('GET /a HTTP/1.1\r\nhOsT:a\r\nX-Odd:   b  \r\n\r\n'),
        Buffer.from('HTTP/1.1 304 \r\nDate:x\r\n\r\n'),
      ],
      [
        Buffer.from(
          'POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n3;e=1\r\nabc\r\n0\r\nX: y\r\n\r\n',
        ),
        Buffer.from(
          'HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
        ),
      ],
      [
        Buffer.concat([Buffer.from(`PUT /c HTTP/1.1\nhost: a\ncontent-length: ${big.length}\n\n`), big]),
        Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${big.length}\r\n\r\n`), big]),
      ],
      [Buffer.from('HEAD /d HTTP/1.1\r\nHost: a\r\n\r\n'), Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')],
      [Buffer.from('GET /e HTTP/1.1\r\nHost: a\r\n\r\n'), Buffer.from('HTTP/1.1 204 No Content\r\n\r\n')],
    ];
    for (const [request, answer] of rounds) {
      application.write(request);
      await destination.until(({ bytes }) => bytes.length >= request.length);
      expect(destination.bytes.equals(request)).toBe(true);
      destination.take();
      destination.write(answer);
      await application.until(({ bytes }) => bytes.length >= answer.length);
      expect(application.bytes.equals(answer)).toBe(true);
      application.take();
    }
    // Until the end of the connection.
    application.write('GET /f HTTP/1.1\r\nHost: a\r\n\r\n');
    await destination.untilEndsWith('\r\n\r\n');
    destination.write('HTTP/1.0 200 OK\r\n\r\nall of it');
    destination.stream.end();
    await application.until(({ hasEnded }) => hasEnded);
    expect(application.text).toBe('HTTP/1.0 200 OK\r\n\r\nall of it');
    expect(unreadable).toEqual([]);
  });

  test('also what follows something that cannot be read', async () => {
    const { application, destination, unreadable } = scriptedEnds({ onRequest: () => json('{}') });
    const odd = 'GET /a HTTP/1.1\r\nHost : a\r\n\r\n';
    application.write(odd);
    await destination.untilEndsWith(odd);
    destination.write('HTTP/1.1 400 x\r\n\r\n');
    await application.untilEndsWith('HTTP/1.1 400 x\r\n\r\n');
    expect(unreadable).toEqual(['a field has a space before its colon']);
  });

  test.each([
    ['HTTP/1.1 408 Request Timeout', []],
    ['HTTP/1.1 200 OK', ['there is an answer that nobody has asked for']],
  ])('also %s that nobody has asked for', async (line, problems) => {
    const { application, destination, unreadable } = scriptedEnds({});
    destination.write(`${line}\r\n\r\n`);
    destination.stream.end();
    await application.until(({ hasEnded }) => hasEnded);
    expect(application.text).toBe(`${line}\r\n\r\n`);
    expect(unreadable).toEqual(problems);
  });

  test('also an answer that is cut off', async () => {
    const { application, destination, log } = scriptedEnds({ onResponse: () => undefined });
    application.write('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
    await destination.untilEndsWith('\r\n\r\n');
    destination.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    destination.stream.end();
    await application.until(({ hasEnded }) => hasEnded);
    expect(application.text).toBe('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    expect(log.lines[0]?.at(-1)).toBe('over the connection has ended within a body');
  });

  test('also the end of an application that is done', async () => {
    const { application, destination } = scriptedEnds({});
    application.stream.end();
    await destination.until(({ hasEnded }) => hasEnded);
    expect(destination.text).toBe('');
  });
});

describe('a script changes', () => {
  test('a request: method, path, headers, body', async () => {
    const { application, destination, log } = scriptedEnds({
      onRequest: async ({ request: { method, url, headers } }, readBody) => {
        const body = Buffer.from(await readBody()).toString();
        expect([method, url, headers]).toEqual(['POST', 'http://a/x?y=1', expect.arrayContaining(['X-Keep', 'Me'])]);
        return change({
          method: 'PUT',
          url: 'http://a/z?y=2',
          headers: [
            ['x-drop', []],
            ['x-change', ['new']],
            ['x-add', ['1']],
          ],
          body: Buffer.from(body.toUpperCase()),
        });
      },
    });
    const body = gzipSync('hello');
    application.write(
      `POST /x?y=1 HTTP/1.1\r\nHost: a\r\nX-Drop: 1\r\nX-Change: old\r\nContent-Encoding: gzip\r\nContent-LENGTH: ${body.length}\r\nX-Keep: Me\r\n\r\n`,
    );
    application.write(body);
    await destination.untilEndsWith('HELLO');
    expect(destination.text).toBe(
      'PUT /z?y=2 HTTP/1.1\r\nHost: a\r\nX-Change: new\r\nX-Keep: Me\r\nx-add: 1\r\nContent-LENGTH: 5\r\n\r\nHELLO',
    );
    destination.write('HTTP/1.1 204 No Content\r\n\r\n');
    await application.untilEndsWith('\r\n\r\n');
    await expect.poll(() => log.lines[0]).toHaveLength(7);
    expect(log.lines).toEqual([
      [
        '1.1 PUT http://a/z?y=2 Host|a|X-Change|new|X-Keep|Me|x-add|1|Content-LENGTH|5',
        ...['scripted request', '> HELLO', 'sent', '1.1 204 No Content', 'got', 'over'],
      ],
    ]);
  });

  test('an answer: status, headers, body; the next one is not touched', async () => {
    let count = 0;
    const { application, destination, log } = scriptedEnds({
      onResponse: () => {
        count += 1;
        return count === 1
          ? change({ status: 404, headers: [['set-cookie', ['a=1', 'b=2']]], body: Buffer.from('gone') })
          : undefined;
      },
    });
    application.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    await destination.untilEndsWith('\r\n\r\n');
    destination.write('HTTP/1.1 200 OK\r\nSet-Cookie: c=3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');
    await application.untilEndsWith('gone');
    expect(application.take()).toBe(
      'HTTP/1.1 404 Not Found\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 4\r\n\r\ngone',
    );
    application.write('GET /y HTTP/1.1\r\nHost: a\r\n\r\n');
    await destination.untilEndsWith('/y HTTP/1.1\r\nHost: a\r\n\r\n');
    destination.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx');
    await application.untilEndsWith('x');
    expect(log.lines[0]).toContain('scripted answer');
    expect(log.lines[1]).not.toContain('scripted answer');
  });

  test.each([
    [
      'to one without a body',
      204,
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
      'HTTP/1.1 204 No Content\r\n\r\n',
    ],
    ['to one with a body', 200, 'HTTP/1.1 204 No Content\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ])('a status %s', async (_title, status, came, sent) => {
    const { application, destination } = scriptedEnds({ onResponse: () => change({ status }) });
    for (const path of ['/a', '/b']) {
      application.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await destination.untilEndsWith(`${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      destination.write(came);
      await application.untilEndsWith(sent);
      expect(application.take()).toBe(sent);
    }
  });

  test('the answer to HEAD, of which there is no body', async () => {
    const { application, destination } = scriptedEnds({
      onResponse: () => change({ headers: [['x-a', ['b']]], body: Buffer.from('never') }),
    });
    application.write('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
    await destination.untilEndsWith('\r\n\r\n');
    destination.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
    await application.untilEndsWith('\r\n\r\n');
    expect(application.text).toBe('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-a: b\r\n\r\n');
  });
});

describe('a script answers', () => {
  test('requests that follow each other at once, in their order, and the destination gets the others', async () => {
    const { application, destination, log } = scriptedEnds({
      onRequest: async ({ request: { url } }) => (url.endsWith('/mock') ? json(`"${url}"`) : undefined),
    });
    application.write(
      'POST /mock HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /true HTTP/1.1\r\nHost: a\r\n\r\nHEAD /mock HTTP/1.1\r\nHost: b\r\n\r\n',
    );
    await destination.untilEndsWith('\r\n\r\n');
    expect(destination.text).toBe('GET /true HTTP/1.1\r\nHost: a\r\n\r\n');
    destination.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await application.until(({ text }) => text.split('HTTP/1.1').length === 4 && text.endsWith('\r\n\r\n'));
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
    expect(application.text).toBe(
      `${head}Content-Length: 15\r\n\r\n"http://a/mock"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${head}Content-Length: 15\r\n\r\n`,
    );
    expect(log.lines.map((lines) => lines.includes('scripted answer'))).toEqual([true, false, true]);
  });

  test.each([
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n'],
    ['Connection: close', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['a body that waits', 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n'],
  ])('%s, and ends the connection', async (_title, request) => {
    const { application, destination } = scriptedEnds({ onRequest: () => json('{}') });
    application.write(request);
    await application.until(({ hasEnded }) => hasEnded);
    expect(application.text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\nConnection: close\r\n\r\n\{\}$/s);
    await destination.until(({ hasEnded }) => hasEnded);
    expect(destination.text).toBe('');
  });

  test('in place of a destination, whose answer goes nowhere', async () => {
    const { application, destination } = scriptedEnds({ onResponse: () => json('{}') });
    for (const path of ['/a', '/b']) {
      application.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await destination.untilEndsWith(`${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      destination.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret');
      await application.untilEndsWith('{}');
      expect(application.take()).not.toContain('secret');
    }
  });

  test.each([
    ['replaces', json('{}')],
    ['changes', change({ body: Buffer.from('{}') })],
  ])('and %s an answer that has no end, with the end of the connection', async (_title, verdict) => {
    const { application, destination, far, log } = scriptedEnds({ onResponse: () => verdict });
    application.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await destination.untilEndsWith('\r\n\r\n');
    destination.write('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await application.until(({ hasEnded }) => hasEnded);
    expect(application.text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Content-Length: 2\r\nConnection: close\r\n\r\n\{\}$/s);
    expect(application.text).not.toContain('keep-alive');
    expect([far.destroyed, log.lines[0]?.at(-1)]).toEqual([true, 'over']);
  });

  test('a request whose body has not come, which is read for nobody then', async () => {
    const { application, destination } = scriptedEnds({
      onRequest: ({ request: { url } }) => (url.endsWith('/a') ? json('{}') : undefined),
    });
    application.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf');
    await application.untilEndsWith('{}');
    application.write('restGET /b HTTP/1.1\r\nHost: a\r\n\r\n');
    await destination.untilEndsWith('\r\n\r\n');
    expect(destination.text).toBe('GET /b HTTP/1.1\r\nHost: a\r\n\r\n');
  });

  test('a request whose body cannot be read, and nothing passes behind it', async () => {
    const { application, destination } = scriptedEnds({ onRequest: () => json('{}') });
    application.write(
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n',
    );
    await application.until(({ hasEnded }) => hasEnded);
    expect(application.text).toMatch(/\{\}$/);
    expect(destination.text).toBe('');
  });

  test('with the end of the connection', async () => {
    const { application, destination, log } = scriptedEnds({ onRequest: () => ({ kind: 'abort' }) });
    application.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(() => log.lines[0]?.at(-1)).toBe('over the script has ended the connection');
    expect([application.text, destination.text]).toEqual(['', '']);
  });
});

test('an answer that has come passes when its destination is gone, and the connection ends behind it', async () => {
  let onAsked = (): void => {};
  const isAsked = new Promise<void>((resolve) => {
    onAsked = resolve;
  });
  const { application, destination, far } = scriptedEnds({
    onResponse: async () => {
      onAsked();
      await new Promise<void>((resolve) => far.once('close', resolve));
      return undefined;
    },
  });
  application.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nnot all of it');
  await destination.untilEndsWith('not all of it');
  destination.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno');
  await isAsked;
  far.destroy(new Error('reset'));
  await application.untilEndsWith('no');
});

test('a script that reads a body which waits for 100 (Continue) gets it, and the destination is not asked for it', async () => {
  const { application, destination } = scriptedEnds(LOOKS);
  application.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
  await application.untilEndsWith('HTTP/1.1 100 Continue\r\n\r\n');
  application.write('abc');
  await destination.untilEndsWith('abc');
  expect(destination.text).toBe('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc');
});

test('a body that is too large for a script passes all the same', async () => {
  const problems: string[] = [];
  const { application, destination } = scriptedEnds({
    onRequest: async (_call, readBody) => {
      await readBody().catch((error: Error) => problems.push(error.message));
      return change({ headers: [['x-a', ['b']]] });
    },
  });
  const body = randomBytes(17_000_000);
  application.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
  application.write(body);
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\nx-a: b\r\n\r\n`;
  await destination.until(({ bytes }) => bytes.length >= head.length + body.length);
  expect(destination.text.startsWith(head)).toBe(true);
  expect(destination.bytes.subarray(head.length).equals(body)).toBe(true);
  expect(problems).toEqual(['the body is larger than 16 MiB']);
});

test('a body that grows too large when it is decoded passes all the same', async () => {
  const problems: string[] = [];
  const { application, destination } = scriptedEnds({
    onRequest: async (_call, readBody) =>
      void (await readBody().catch((error: Error) => problems.push(error.message))) as undefined,
  });
  const body = gzipSync(Buffer.alloc(17_000_000));
  application.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`);
  application.write(body);
  await destination.until(({ bytes }) => bytes.subarray(-body.length).equals(body));
  expect(problems).toEqual(['the body is larger than 16 MiB when it is decoded']);
});

test('the loss of a destination passes also behind what cannot be read', async () => {
  const { application, destination, far, near } = scriptedEnds({});
  const odd = 'GET /a HTTP/1.1\r\nHost : a\r\n\r\n';
  application.write(odd);
  await destination.untilEndsWith(odd);
  destination.write('half');
  await application.untilEndsWith('half');
  const loss = once(near, 'close');
  far.destroy(new Error('reset'));
  await expect(loss).rejects.toThrow('connection reset');
});

test('the end of an answer passes while the application still sends', async () => {
  const { application, destination } = scriptedEnds({});
  application.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nnot all of it');
  await destination.untilEndsWith('not all of it');
  destination.write('HTTP/1.0 413 Too Large\r\n\r\nno');
  destination.stream.end();
  await application.until(({ hasEnded }) => hasEnded);
  expect(application.text).toBe('HTTP/1.0 413 Too Large\r\n\r\nno');
});

test('nothing passes behind a body that a script replaces and that cannot be read', async () => {
  const { application, destination, unreadable } = scriptedEnds({
    onRequest: () => change({ body: Buffer.from('new') }),
  });
  application.write(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n',
  );
  await destination.untilEndsWith('new');
  destination.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  await application.until(({ hasEnded }) => hasEnded);
  expect(application.text).toMatch(/ok$/);
  expect(destination.text).toMatch(/\r\n\r\nnew$/);
  expect(unreadable).toEqual([]);
});

test('a body is asked for when a script removes the header that waits for it', async () => {
  const { application, destination } = scriptedEnds({ onRequest: () => change({ headers: [['expect', []]] }) });
  application.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
  await application.untilEndsWith('HTTP/1.1 100 Continue\r\n\r\n');
  application.write('abc');
  await destination.untilEndsWith('abc');
  expect(destination.text).toBe('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc');
});
