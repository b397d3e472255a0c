import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findCredentials, type UserFlags } from '../../src/cli/credentials.js';

const TOKEN = 'a-token-for-tests-0123456789-abcdefghij';
const HINT = '; the service has its settings in another file: --config ';

let servicePath: string;
beforeEach(() => {
  servicePath = join(mkdtempSync(join(tmpdir(), 'wsproxy-service-')), 'server.yaml');
});
afterEach(() => rmSync(join(servicePath, '..'), { recursive: true }));

async function mistakeOf(flags: UserFlags): Promise<string> {
  const { read } = await findCredentials(flags, undefined, servicePath);
  try {
    read();
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
}

test('a missing token is told with the file of the service, where it is there and no file was named', async () => {
  expect(await mistakeOf({})).toMatch(/^no token: .*\(the first line that it prints\)$/);
  writeFileSync(servicePath, 'token-file: token\n');
  expect(await mistakeOf({})).toMatch(new RegExp(`^no token: .*${HINT}${servicePath}$`));
  expect(await mistakeOf({ config: 'server.yaml' })).toMatch(/^no token: .*\(the first line that it prints\)$/);
});

test('a token is enough, also beside the file of a service', async () => {
  writeFileSync(servicePath, 'token-file: token\n');
  const { read } = await findCredentials({}, TOKEN, servicePath);
  expect(read()).toHaveLength(1);
});
