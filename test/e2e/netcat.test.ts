import { describe, expect, test } from 'vitest';
import { startAnswerAfterEnd } from 'wsproxy-test-support/destinations/answer-after-end';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { keystreamBytes, sha256 } from 'wsproxy-test-support/keystream';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const LENGTH = 3_000_000;

/** `-N` ends the sending half at the end of standard input, as ssh and many protocols on top of it do. */
describe.each([
  ['SOCKS5', '5'],
  ['SOCKS4', '4'],
  ['CONNECT', 'connect'],
])('nc -N over %s', (_name, proxy) => {
  skipUnlessInstalled('nc');

  test.each([0, LENGTH])('gets the answer that follows the end of its %d bytes', async (length) => {
    const [{ port }, destination] = await Promise.all([startTunnel(), startAnswerAfterEnd()]);
    const input = keystreamBytes('nc', length);
    const args = ['-N', '-X', proxy, '-x', `127.0.0.1:${port}`, '127.0.0.1', String(destination.port)];
    const { code, stdout, stderr } = await run('nc', args, { input });
    expect(stderr).toBe('');
    expect(stdout).toBe(`${await sha256(input)}\n`);
    expect(code).toBe(0);
  });

  test('goes on receiving after it has ended its half', async () => {
    const [{ port }, destination] = await Promise.all([startTunnel(), startSource('down', LENGTH)]);
    const script = 'nc "$@" < /dev/null | sha256sum';
    const args = ['-N', '-X', proxy, '-x', `127.0.0.1:${port}`, '127.0.0.1', String(destination.port)];
    const { stdout } = await run('sh', ['-c', script, 'sh', ...args]);
    expect(stdout.split(' ')[0]).toBe(await sha256(keystreamBytes('down', LENGTH)));
  });
});
