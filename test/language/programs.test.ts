import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { launch, type ProgramName, readyPort, runCommand, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { displayWidth } from '../../packages/cli/src/language/display-width.js';

const CHINESE = { LANG: 'zh_CN.UTF-8' };
const HAN = /\p{Script=Han}/u;
const PROGRAMS: readonly ProgramName[] = ['wsproxy-client', 'wsproxy-server'];

/** A configuration file, and the flags that name it. */
function configured(text: string): string[] {
  const file = join(temporaryFolder(), 'config.yaml');
  writeFileSync(file, text);
  return ['--config', file];
}

describe.each(PROGRAMS)('%s', (program) => {
  test('tells a mistake in Chinese where the environment is', async () => {
    const { code, stderr } = await runCommand(program, ['--zzz'], { env: CHINESE });
    expect([code, stderr]).toEqual([2, `${program}: 未知选项 '--zzz'；见 ${program} --help\n`]);
  });

  test('tells it in the language of --lang', async () => {
    const english = await runCommand(program, ['--lang', 'en', '--zzz'], { env: CHINESE });
    expect(english.stderr).toBe(`${program}: unknown option '--zzz'; see ${program} --help\n`);
    const chinese = await runCommand(program, ['--zzz', '--lang=zh']);
    expect(chinese.stderr).toMatch(/未知选项/);
  });

  test('tells no language that there is not', async () => {
    const { code, stderr } = await runCommand(program, ['--lang', 'fr']);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--lang.*Allowed choices are en, zh/)]);
  });

  test('speaks Chinese when its configuration file says so', async () => {
    const { stderr } = await runCommand(program, configured('lang: zh\n'), { token: null });
    expect(stderr).toMatch(/没有(令牌|服务器)/);
  });

  test('prints its help in Chinese, in columns that fit the screen', async () => {
    const { stdout } = await runCommand(program, ['--help', 'all'], { env: CHINESE });
    const [options = ''] = /^选项：\n[^]*?(?=\n\n命令：)/m.exec(stdout) ?? [];
    const lines = options.split('\n').filter((line) => line.startsWith('  '));
    expect(lines.length).toBeGreaterThan(30);
    const descriptions = lines.map((line) => /^(?: {2}-.*?|) {2,}(?=\S)/.exec(line)?.[0] ?? '');
    expect(new Set(descriptions.map(displayWidth)).size).toBe(1);
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(80);
    const told = options.split(/^ {2}(?=-)/m).slice(1);
    for (const option of told) expect(option).toMatch(HAN);
  });

  test('loads no catalogue to speak English, and one to speak Chinese', async () => {
    expect(await loadedFiles(program, ['--zzz'])).not.toContainEqual(expect.stringContaining('/chinese/'));
    expect(await loadedFiles(program, ['--zzz', '--lang', 'zh'])).toContainEqual(expect.stringContaining('/chinese/'));
  });
});

/** Every script that Node runs for a command line. */
async function loadedFiles(program: ProgramName, args: readonly string[]): Promise<string[]> {
  const folder = temporaryFolder();
  await runCommand(program, args, { env: { NODE_V8_COVERAGE: folder } });
  const files = readdirSync(folder).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { result: readonly { url: string }[] };
    return result.map(({ url }) => url);
  });
  expect(files.length).toBeGreaterThan(10);
  return files;
}

describe('the log', () => {
  test('is in Chinese for people, with reasons; fields keep their names', async () => {
    const server = launch('wsproxy-server', ['--listen', '127.0.0.1:0', '--lang', 'zh']);
    await server.untilStderr(/INFO.*就绪.*"listen":"127\.0\.0\.1:\d+"/);
  });

  test('is in English for machines', async () => {
    const server = launch('wsproxy-server', ['--listen', '127.0.0.1:0', '--log-format', 'json'], { env: CHINESE });
    expect(await readyPort(server)).toBeGreaterThan(0);
  });
});

describe('the help of every command is in Chinese:', () => {
  test.each([
    ...['init', 'doctor', 'config', 'config check', 'completion'].map((words) => ['wsproxy-client', words] as const),
    ...['init', 'token', 'config', 'config check', 'users', 'users put', 'users get', 'completion'].map(
      (words) => ['wsproxy-server', words] as const,
    ),
  ])('%s %s', async (program, words) => {
    const { code, stdout } = await runCommand(program, [...words.split(' '), '--help'], { env: CHINESE });
    expect(code).toBe(0);
    const [, ...parts] = stdout.split(/^(?= {2}\S)|\n\n/m).filter((part) => !part.startsWith('  wsproxy-'));
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect(part).toMatch(HAN);
  });
});

test('the doctor tells its findings in Chinese, and in English as JSON', async () => {
  const url = 'ws://127.0.0.1:1/';
  const chinese = await runCommand('wsproxy-client', ['doctor', url], { env: CHINESE, token: TOKEN });
  expect(chinese.code).toBe(1);
  expect(chinese.stdout).toMatch(/^✗ TCP {9}127\.0\.0\.1:1 \(ECONNREFUSED\) 上没有程序监听$/m);
  expect(chinese.stdout).toMatch(/^可能的原因: /m);
  expect(chinese.stdout).toMatch(/^解决办法: 请在那里启动服务器/m);
  const json = await runCommand('wsproxy-client', ['doctor', url, '--json'], { env: CHINESE, token: TOKEN });
  expect(json.stdout).not.toMatch(HAN);
});
