import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Logger, silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import type { Call, RequestFacts } from '../../../src/inspect/script/calls.js';
import { ScriptHost } from '../../../src/inspect/script/script-host.js';

const folder = mkdtempSync(join(tmpdir(), 'wsproxy-script-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

function fileWith(text: string): string {
  files += 1;
  const path = join(folder, `${files}.mjs`);
  writeFileSync(path, text);
  return path;
}

/** A script that runs until the end of the test, and what is logged of it. */
async function start(text: string) {
  const log: object[] = [];
  const add = (fields: object, message: string): void => void log.push({ ...fields, message });
  const logger = { info: add, warn: add, error: add, debug: add } as unknown as Logger;
  const clock = new FakeClock();
  const path = fileWith(text);
  const host = await ScriptHost.start(path, { logger, clock });
  return { host, clock, log, path, [Symbol.asyncDispose]: () => host.close() };
}

const request: RequestFacts = {
  id: 7,
  method: 'POST',
  url: 'https://a/x',
  headers: ['Host', 'a', 'X-A', '1', 'x-a', '2'],
};
const onRequest: Call = { hook: 'onRequest', request };
const response = {
  status: 200,
  statusText: 'OK',
  headers: ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'bad name', 'x'],
};
const onResponse: Call = { hook: 'onResponse', request, response };
const message = (data: string | Uint8Array): Call => ({
  hook: 'onMessage',
  message: { id: 7, url: 'wss://a/x', direction: 'up', data },
});
const FAILED = 'the script has failed: what it was about passes unchanged';

describe('a script', () => {
  test('that changes nothing says so', async () => {
    await using script = await start(`export default {
      onRequest(request) { request.headers.get('x-a'); request.headers.set('X-A', '1, 2'); request.method = 'POST'; },
      onResponse(response, request) { return undefined; },
      onMessage(message) {},
    }`);
    const { host } = script;
    expect(['onRequest', 'onResponse', 'onMessage'].map((hook) => host.has(hook as 'onRequest'))).toEqual([
      true,
      true,
      true,
    ]);
    expect(
      await Promise.all(
        [onRequest, onResponse, message('a'), message(Buffer.from('b'))].map((call) => host.call(call)),
      ),
    ).toEqual([...[undefined, undefined, undefined, undefined]]);
  });

  test('changes what it is given', async () => {
    await using script = await start(`export default {
      async onRequest(request) {
        request.method = 'PUT';
        request.url += '?' + request.id;
        request.headers.delete('X-A');
        request.body = JSON.stringify({ ...(await request.json()), b: (await request.bytes()).length });
      },
      onResponse(response, request) {
        response.status = 201;
        response.statusText = request.headers.get('x-a');
        response.headers.append('set-cookie', 'c=3');
        response.body = new Uint8Array([1, 2]);
      },
      onMessage(message) {
        if (message.data === 'drop') message.drop();
        else if (typeof message.data === 'string') message.data = message.direction + message.id;
        else message.data[0] = 1;
      },
    }`);
    const { host } = script;
    expect(await host.call(onRequest, async () => Buffer.from('{"a":1}'))).toEqual({
      ...{ kind: 'change', method: 'PUT', url: 'https://a/x?7', headers: [['x-a', []]] },
      body: new Uint8Array(Buffer.from('{"a":1,"b":7}')),
    });
    expect(await host.call(onResponse)).toEqual({
      ...{ kind: 'change', status: 201, statusText: '1, 2', headers: [['set-cookie', ['a=1', 'b=2', 'c=3']]] },
      body: new Uint8Array([1, 2]),
    });
    expect(await host.call(message('a'))).toEqual({ kind: 'message', data: 'up7' });
    expect(await host.call(message('drop'))).toEqual({ kind: 'drop' });
    expect(await host.call(message(Buffer.from([0, 2])))).toEqual({ kind: 'message', data: new Uint8Array([1, 2]) });
  });

  test('answers itself, and ends connections', async () => {
    await using script = await start(`export default {
      onRequest: () => new Response('no', { status: 403, headers: { 'X-A': 'b' } }),
      onResponse: () => Response.error(),
    }`);
    const { host } = script;
    expect(await host.call(onRequest)).toEqual({
      ...{ kind: 'answer', status: 403, statusText: '', body: new Uint8Array(Buffer.from('no')) },
      headers: ['content-type', 'text/plain;charset=UTF-8', 'x-a', 'b'],
    });
    expect(await host.call(onResponse)).toEqual({ kind: 'abort' });
    expect(await host.call(message('a'))).toBeUndefined();
  });

  test.each([
    ['throws', `null.x`, `Cannot read properties of null (reading 'x')`],
    ['gives a method that is none', `request.method = 'A B'`, 'A B is no method'],
    ['changes to HEAD', `request.method = 'HEAD'`, 'the method cannot change from or to HEAD or CONNECT'],
    ['goes elsewhere', `request.url = 'https://b/x'`, 'url cannot lead to another host or port'],
    ['goes to a path alone', `request.url = '/x'`, 'url has to begin with its scheme and host'],
    ['gives a body that is none', `request.body = { a: 1 }`, 'body has to be a string or a Uint8Array'],
    ['returns what is no answer', `return { status: 200 }`, 'it has to return a Response or nothing'],
    ['asks for a body that is too large', `await request.text()`, 'too large'],
  ])('that %s changes nothing, and the log says so once', async (_title, statement, reason) => {
    await using script = await start(`export default {\n async onRequest(request) {\n  ${statement};\n },\n}`);
    const { host, log, path } = script;
    const readBody = () => Promise.reject(new Error('too large'));
    for (let n = 0; n < 2; n += 1) expect(await host.call(onRequest, readBody)).toBeUndefined();
    expect(log).toEqual([{ script: expect.stringContaining(path), in: 'onRequest', reason, message: FAILED }]);
    const hasPlace = /null|await/.test(statement);
    if (hasPlace) expect(log[0]).toMatchObject({ script: `${path}:3` });
  });

  test('that fails beside its calls goes on', async () => {
    await using script = await start(`
      export default { onRequest() { setTimeout(() => { throw new Error('later') }); return Response.error(); } }`);
    const { host, log, path } = script;
    expect(await host.call(onRequest)).toEqual({ kind: 'abort' });
    await expect.poll(() => log).toEqual([{ script: `${path}:2`, in: 'the script', reason: 'later', message: FAILED }]);
    expect(await host.call(onRequest)).toEqual({ kind: 'abort' });
  });

  test('that is late changes nothing, and is asked again', async () => {
    await using script = await start(`let n = 0;
      export default { onRequest() { n += 1; return n === 1 ? new Promise(() => {}) : Response.error(); } }`);
    const { host, clock, log, path } = script;
    const late = host.call(onRequest);
    expect(await host.call(onRequest)).toEqual({ kind: 'abort' });
    clock.advance(5_000);
    expect(await late).toBeUndefined();
    expect(await host.call(onRequest)).toEqual({ kind: 'abort' });
    clock.advance(1_000);
    expect(await host.call(onRequest)).toEqual({ kind: 'abort' });
    expect(log).toEqual([{ script: path, in: 'onRequest', reason: 'it takes longer than 5 s', message: FAILED }]);
  });

  test('that reads a body and does not wait for it gets it all the same', async () => {
    await using script = await start(`export default {
      onRequest(request) { request.text().then((text) => console.log(text)); },
    }`);
    const { host, log } = script;
    expect(await host.call(onRequest, async () => Buffer.from('x'))).toBeUndefined();
    await expect.poll(() => log).toContainEqual({ text: 'x', message: 'the script says' });
  });

  test('whose body cannot be sent has failed at once', async () => {
    await using script = await start(`export default {
      onRequest(request) { request.body = new Uint8Array(9); structuredClone(0, { transfer: [request.body.buffer] }); },
    }`);
    const { host, log } = script;
    expect(await host.call(onRequest)).toBeUndefined();
    expect(log).toMatchObject([{ in: 'onRequest', message: FAILED }]);
  });

  test('that asks for a body when it is late gets an error', async () => {
    await using script = await start(`let go, n = 0;
      export default { async onRequest(request) {
        n += 1;
        if (n === 2) return go();
        await new Promise((resolve) => { go = resolve; });
        await request.text().catch((error) => console.log(error.message));
      } }`);
    const { host, clock, log } = script;
    const late = host.call(onRequest, async () => Buffer.from('x'));
    clock.advance(5_000);
    await late;
    await host.call(onRequest);
    await expect
      .poll(() => log)
      .toContainEqual({ text: 'it is too late to read the body', message: 'the script says' });
  });

  test('that does not come back is ended, and is asked no more', async () => {
    await using script = await start(`export default { onRequest() { for (;;); } }`);
    const { host, clock, log, path } = script;
    const calls = [host.call(onRequest), host.call(onRequest)];
    clock.advance(5_000);
    clock.advance(1_000);
    expect(await Promise.all(calls)).toEqual([undefined, undefined]);
    expect(log.at(-1)).toEqual({
      ...{ script: path, reason: 'onRequest does not come back' },
      message: 'the script has ended: everything passes unchanged',
    });
    expect(host.has('onRequest')).toBe(false);
    expect(await host.call(onRequest)).toBeUndefined();
  });

  test('that ends itself is told', async () => {
    await using script = await start(`
      export default { onRequest() { process.exit(); } }`);
    const { host, log } = script;
    expect(await host.call(onRequest)).toBeUndefined();
    expect(log).toMatchObject([{ reason: 'it has called process.exit' }]);
  });

  test('that returns something for a message changes nothing, and the log says what to do', async () => {
    await using script = await start(`export default { onMessage: () => 'b' }`);
    expect(await script.host.call(message('a'))).toBeUndefined();
    expect(script.log).toMatchObject([{ reason: 'onMessage has to return nothing; set data, or call drop' }]);
  });

  test.each(['Object.create(null)', 'Object.assign(new Error(), { message: Symbol() })'])(
    'that throws %s fails at once',
    async (thrown) => {
      await using script = await start(`export default { onRequest() { throw ${thrown}; } }`);
      expect(await script.host.call(onRequest)).toBeUndefined();
      expect(script.log).toMatchObject([{ reason: 'it has thrown something that is no error and no text' }]);
    },
  );

  test('may use the port to its parent, for nothing', async () => {
    await using script = await start(`import { parentPort } from 'node:worker_threads';
      export default { onRequest(request) {
        for (const odd of [null, undefined, 1, {}]) parentPort.postMessage(odd);
        request.method = 'PUT';
      } }`);
    expect(await script.host.call(onRequest)).toMatchObject({ method: 'PUT' });
  });

  test('that takes too much memory is ended, and nothing else is', { timeout: 30_000 }, async () => {
    await using script = await start(`const all = [];
      export default { onRequest() { for (;;) all.push(Array(1e5).fill(0)); } }`);
    expect(await script.host.call(onRequest)).toBeUndefined();
    expect(script.log).toMatchObject([{ reason: expect.stringMatching(/memory/) as string }]);
  });

  test('speaks in the log', async () => {
    await using script = await start(`console.log('a'); console.error('b');
      export default { onRequest() {} }`);
    await expect.poll(() => script.log).toHaveLength(2);
    expect(script.log).toEqual(
      expect.arrayContaining(['a', 'b'].map((text) => ({ text, message: 'the script says' }))),
    );
  });
});

describe('a module that cannot be used is refused in one line', () => {
  test.each([
    ['', 'it has no default export with onRequest, onResponse or onMessage'],
    ['export default {}', 'its default export has no onRequest, onResponse or onMessage'],
    ['export default { onRequest: 1 }', 'onRequest is no function'],
    ['export default { onRequest() {}, onMesage() {} }', 'onMesage is never called; expected onRequest, onResponse or'],
    ['throw new Error("a\\nb")', 'a', ':1'],
    ['\nexport default {', 'Unexpected end of input', ':2'],
    ['\nimport { a } from "node:fs";', "The requested module 'node:fs' does not provide an export named 'a'", ':2'],
    ['process.exit()', 'has ended while it was loaded'],
  ])('%j', async (text, reason, line = '') => {
    const path = fileWith(text);
    const started = ScriptHost.start(path, { logger: silentLogger, clock: new FakeClock() });
    const error: Error = await started.then(
      () => new Error('it was taken'),
      (error: Error) => error,
    );
    expect(error.message).toMatch(`${path}${line}`);
    expect(error.message).toContain(reason);
    expect(error.message).not.toContain('\n');
  });

  test('a file that is not there', async () => {
    const started = ScriptHost.start(join(folder, 'none.mjs'), {
      logger: silentLogger,
      clock: new FakeClock(),
    });
    await expect(started).rejects.toThrow(`there is no file ${join(folder, 'none.mjs')}`);
  });

  test('a folder, and a file that Node does not take for JavaScript', async () => {
    const context = { logger: silentLogger, clock: new FakeClock() };
    await expect(ScriptHost.start(folder, context)).rejects.toThrow(`there is no file ${folder}`);
    const path = join(folder, 'script.txt');
    writeFileSync(path, 'export default { onRequest() {} }');
    await expect(ScriptHost.start(path, context)).rejects.toThrow(
      `Unknown file extension ".txt" for ${path}; name it .mjs, in JavaScript`,
    );
  });

  test('one that does not finish loading', async () => {
    const clock = new FakeClock();
    const started = ScriptHost.start(fileWith('await new Promise(() => setInterval(() => {}, 1e6));'), {
      logger: silentLogger,
      clock,
    });
    clock.advance(10_000);
    await expect(started).rejects.toThrow('is not loaded after 10 s');
  });
});
