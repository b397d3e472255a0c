import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createBodyReader } from 'wsproxy-node/http-message';
import { ByteSource } from '../../../src/inspect/script/byte-source.js';
import type { Call } from '../../../src/inspect/script/calls.js';
import { PassingBody } from '../../../src/inspect/script/passing-body.js';
import { Script } from '../../../src/inspect/script/script.js';

test('a body that is decoded when nobody waits for it any more takes no room', async () => {
  let reading: Promise<unknown> | undefined;
  const host = {
    has: () => true,
    note: () => {},
    async call(_call: Call, readBody?: () => Promise<Uint8Array>) {
      reading = readBody?.().catch((error: Error) => error.message);
      // The body has come; it is decoded in a thread.
      for (let n = 0; n < 20; n += 1) await Promise.resolve();
      return undefined;
    },
  };
  const script = new Script(host);
  const body = gzipSync(Buffer.alloc(4_000_000));
  const stream = new PassThrough();
  const source = new ByteSource(stream);
  stream.write(body);
  await source.whenReady();
  const passing = new PassingBody(
    source,
    createBodyReader({ kind: 'length', length: body.length }, false),
    script.room,
  );
  const request = { id: 1, method: 'GET', url: 'http://a/', headers: [] };
  await script.onResponse(request, { status: 200, statusText: '', headers: ['Content-Encoding', 'gzip'] }, passing);
  expect(await reading).toBe('it is too late to read the body');
  passing.close();
  expect(script.room.take(67_108_864)).toBe(true);
});
