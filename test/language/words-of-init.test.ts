import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Authority } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { type ProgramName, runCommand, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';

const HAN = /\p{Script=Han}/u;

/** `init` of a program without a terminal, in the language of this locale. */
function init(name: ProgramName, locale: string, folder: string, args: readonly string[], input = '') {
  const words = ['init', '--config', join(folder, 'settings.yaml'), ...args];
  return runCommand(name, words, { token: null, input, env: { HOME: folder, LANG: locale } });
}

describe('each line that is not for copying is in Chinese where the language is, of', () => {
  const linesIn = (stdout: string) => stdout.split('\n').filter((line) => /^[^ ]/.test(line));

  test('wsproxy-client init', async () => {
    const input = `ws://127.0.0.1:${(await startServer()).port}/#${TOKEN}`;
    const { code, stdout } = await init('wsproxy-client', 'zh_CN.UTF-8', temporaryFolder(), [], input);
    expect(code).toBe(0);
    const lines = linesIn(stdout);
    expect(lines).toEqual(expect.arrayContaining(['文件：', '现在启动：', '试用：', '浏览器：']));
    for (const line of lines) expect(line).toMatch(HAN);
  });

  test.each(['caddy', 'nginx', 'haproxy', 'none'])('wsproxy-server init for %s', async (front) => {
    const folder = temporaryFolder();
    const args = ['--host-name', 'gw.example.net', '--front', front, '--user', 'alice'];
    expect(await init('wsproxy-server', 'C', folder, args)).toMatchObject({ code: 0 });
    const { code, stdout } = await init('wsproxy-server', 'zh_CN.UTF-8', folder, [...args, '--user', 'bob']);
    expect(code).toBe(0);
    const lines = linesIn(stdout);
    expect(lines).toHaveLength(front === 'none' ? 6 : 7);
    for (const line of lines) expect(line).toMatch(HAN);
  });
});

describe('where a CA that nobody knows has signed the certificate', () => {
  skipUnlessInstalled('openssl');

  test.each([
    [
      'without the CA',
      false,
      'complete the chain on the server, or give the CA with wsproxy-client init --ca FILE',
      '请在服务器上补全证书链，或用 wsproxy-client init --ca FILE 给出 CA',
    ],
    [
      'with the CA',
      true,
      'give the CA with wsproxy-client init --ca FILE',
      '请用 wsproxy-client init --ca FILE 给出 CA',
    ],
  ] as const)('and the server sends it %s, wsproxy-client init says how to run it again', async (...row) => {
    const [, isWhole, cure, inChinese] = row;
    const authority = new Authority('Example CA');
    atEnd(() => authority.remove());
    const { key, cert } = authority.issue('server', 'IP:127.0.0.1');
    const server = createTlsServer({ key, cert: isWhole ? cert + authority.cert : cert }, (_request, answer) =>
      answer.writeHead(404).end(),
    );
    const input = `wss://127.0.0.1:${(await listenOn(server)).port}/#${TOKEN}`;
    const said = (locale: string) => init('wsproxy-client', locale, temporaryFolder(), [], input);
    expect(await said('C')).toMatchObject({ code: 1, stderr: expect.stringContaining(`; ${cure}\n`) });
    expect(await said('zh_CN.UTF-8')).toMatchObject({ code: 1, stderr: expect.stringContaining(`；${inChinese}\n`) });
  });
});
