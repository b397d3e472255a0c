import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Ended, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { until } from 'wsproxy-test-support/until';
import { type InspectedTunnel, startInspectedTunnel } from './inspected-tunnel.js';
import { listenOn } from './listen-on.js';

skipUnlessInstalled('curl');

function curl({ port }: InspectedTunnel, ...args: readonly string[]): Promise<Ended> {
  return run('curl', ['-sS', '--noproxy', '', '-x', `socks5h://127.0.0.1:${port}`, ...args]);
}

describe('curl', () => {
  test.each(['http1.1', 'http2'])('over TLS and %s passes bodies byte for byte, and they are seen', async (version) => {
    const tunnel = await startInspectedTunnel(['localhost']);
    const { cert, key } = tunnel.issue('DNS:localhost,DNS:other.example');
    const server = createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
      response.setHeader('X-Version', request.httpVersion);
      request.pipe(response);
    });
    const port = await listenOn(server as unknown as Server);
    const [sent, got] = ['sent', 'got'].map((name) => join(tunnel.folder, name)) as [string, string];
    writeFileSync(sent, randomBytes(3_000_001));
    const { code, stderr } = await curl(
      tunnel,
      ...['--cacert', tunnel.ca, `--${version}`, '-H', 'Foo: Bar', '--data-binary', `@${sent}`, '-o', got],
      `https://localhost:${port}/echo?a=b`,
    );
    expect([code, stderr]).toEqual([0, '']);
    const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    const expected = digest(readFileSync(sent));
    expect(digest(readFileSync(got))).toBe(expected);
    await until('it is over', () => tunnel.watcher.exchanges[0]?.isOver === true);
    const [seen] = tunnel.watcher.exchanges;
    expect(tunnel.watcher.lines).toEqual([`POST https://localhost:${port}/echo?a=b 200`]);
    expect([seen?.start.version, seen?.version]).toEqual(version === 'http2' ? ['2', '2'] : ['1.1', '1.1']);
    expect([digest(seen?.request ?? Buffer.alloc(0)), digest(seen?.response ?? Buffer.alloc(0))]).toEqual([
      expected,
      expected,
    ]);
    expect(seen?.start.headers.join()).toMatch(/Foo,Bar/i);
    expect(tunnel.watcher.passed).toEqual([]);
  });
});
