import { describe, expect, test } from 'vitest';
import { start } from 'wsproxy-test-support/programs/command-line';
import { startOddProxy } from 'wsproxy-test-support/sockets/odd-proxy';
import { startClient } from 'wsproxy-test-support/tunnel';
import { expectCarried } from './carries.js';

const SIZE = 4 * 1024 * 1024;

describe('a transport over HTTP whose requests come to four workers in turn', () => {
  test.each<[string, Parameters<typeof startOddProxy>[1]]>([
    ['as they are', {}],
    ['held back by a proxy until they are whole', { holdsAnswers: true, holdsBodies: true }],
    ['and are cut after a second', { cutsAfter: 1_000 }],
  ])('is led to one of them, %s', async (_, oddness) => {
    const server = await start('wsproxy-server', ['--allow-private', '--workers', '4', '--log-level', 'debug']);
    const proxy = await startOddProxy(server.port, oddness);
    const client = await startClient(proxy.port, { transport: 'http' });
    await expectCarried(client.port, SIZE);
    expect(server.program.stderr).toMatch(/"outcome":"passed"[^\n]*"handed a request on"/);
    expect(server.program.stderr).not.toContain('"level":"error"');
  });
});
