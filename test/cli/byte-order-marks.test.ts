import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Authority } from 'wsproxy-test-support/authority';
import { runCommand, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

type Encode = (text: string) => Buffer;
const withMark: Encode = (text) => Buffer.from(`\ufeff${text}`);
const asUtf16: Encode = (text) => Buffer.from(`\ufeff${text}`, 'utf16le');
const plain: Encode = (text) => Buffer.from(text);

/** Every setting that names a file, by program; those of a program go together. */
function makeFiles() {
  const authority = new Authority('test');
  onTestFinished(() => authority.remove());
  const { cert, key } = authority.issue('localhost');
  return {
    'wsproxy-client': {
      'token-file': TOKEN,
      'socks-auth': 'ann:password\n',
      ca: authority.cert,
      cert,
      key,
    },
    'wsproxy-server': {
      users: `- { id: ann, token: sha256:${'0'.repeat(64)} }\n`,
      'tls-cert': cert,
      'tls-key': key,
      'tls-client-ca': authority.cert,
      'tls-client-crl': authority.list(),
    },
  };
}

/** What `config check` says of a configuration file that names `files`. */
async function check(
  program: 'wsproxy-client' | 'wsproxy-server',
  files: Readonly<Record<string, string>>,
  encode: { readonly config: Encode; readonly file: (setting: string) => Encode },
) {
  const folder = temporaryFolder();
  for (const [setting, text] of Object.entries(files)) {
    writeFileSync(join(folder, setting), encode.file(setting)(text), { mode: 0o600 });
  }
  const lines = Object.keys(files).map((setting) => `${setting}: ${setting}\n`);
  const config = join(folder, 'config.yaml');
  writeFileSync(config, encode.config(lines.join('')));
  return { folder, config, ...(await runCommand(program, ['config', 'check', config], { token: null })) };
}

describe.each(['wsproxy-client', 'wsproxy-server'] as const)('%s', (program) => {
  skipUnlessInstalled('openssl');

  test('reads every file that begins with a byte order mark', async () => {
    const { [program]: files } = makeFiles();
    const { code, stdout, stderr } = await check(program, files, { config: withMark, file: () => withMark });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/no mistake in 5 settings\n$/);
  });

  test('names UTF-16, with the file, in one line', async () => {
    const { [program]: files } = makeFiles();
    // Secrets are read in one way, certificates in another.
    for (const setting of [Object.keys(files)[0], Object.keys(files).at(-1)] as string[]) {
      const file = (each: string) => (each === setting ? asUtf16 : plain);
      const { folder, stderr } = await check(program, files, { config: plain, file });
      expect(stderr).toMatch(/^[^\n]+: it is in UTF-16; save it as UTF-8\n$/);
      expect(stderr).toContain(join(folder, setting));
    }
    const { config, stderr } = await check(program, files, { config: asUtf16, file: () => plain });
    expect(stderr).toBe(
      `${program}: cannot read the configuration file ${config}: it is in UTF-16; save it as UTF-8\n`,
    );
  });
});
