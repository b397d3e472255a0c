import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExitError } from '../src/exit-code.js';
import { readToken, readTokens, type TokenSources } from '../src/read-token.js';

const TOKEN = 'q9Zr3T5v7Xy1B3d5F7h9J1k3M5n7P9r1S3t5U7w9=';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wsproxy-token-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function tokenFile(content: string | Buffer, mode = 0o600): string {
  const file = join(directory, 'token');
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

function refusal(sources: TokenSources, read: (sources: TokenSources) => unknown = readToken): ExitError {
  try {
    read(sources);
  } catch (error) {
    if (error instanceof ExitError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('readToken', () => {
  it('reads the file, or else the environment', () => {
    const other = 'x'.repeat(32);
    expect(readToken({ file: tokenFile(TOKEN) })).toBe(TOKEN);
    expect(readToken({ env: other })).toBe(other);
    expect(readToken({ file: tokenFile(TOKEN), env: other })).toBe(TOKEN);
  });

  it.each([
    ['a line feed', `${TOKEN}\n`],
    ['CR LF', `${TOKEN}\r\n`],
    ['blank lines', `\n\n${TOKEN}\n\n`],
    ['blanks and tabs', ` \t${TOKEN} \t`],
    ['a byte order mark', `\ufeff${TOKEN}\n`],
  ])('takes away %s', (_what, content) => {
    expect(readToken({ file: tokenFile(content) })).toBe(TOKEN);
    expect(readToken({ env: content })).toBe(TOKEN);
  });

  it.each([
    ['an empty text', '', '; make one with: wsproxy-server token (the first line that it prints)'],
    ['only white space', '\ufeff \r\n\t\n', 'there is no token in'],
    ['31 characters', 'x'.repeat(31), 'has 31 characters; use one of 32 or more, 4096 at most; make one with'],
    ['two lines', `${TOKEN}\n${TOKEN}\n`, 'has more than one line'],
    ['a space inside', `${TOKEN} ${TOKEN}`, 'a space inside'],
    ['a letter outside ASCII', `${TOKEN}é`, 'not printable ASCII'],
    ['a NUL', `${TOKEN}\0`, 'not printable ASCII'],
    ['more than 4096 characters', 'x'.repeat(4097), 'has 4097 characters; use one of 32 or more, 4096 at most'],
  ])('refuses %s', (_what, content, message) => {
    const file = tokenFile(content);
    for (const [error, name] of [
      [refusal({ file }), `token file ${file}`],
      [refusal({ env: content }), 'WSPROXY_TOKEN'],
    ] as const) {
      expect(error.exitCode).toBe(2);
      expect(error.message).toContain(name);
      expect(error.message).toContain(message);
      expect(error.message).not.toContain('\n');
      if (content.length > 20) expect(error.message).not.toContain(content.slice(0, 20));
    }
  });

  it('says what to do when there is no token at all', () => {
    const error = refusal({});
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain('--token-file FILE, or set WSPROXY_TOKEN');
  });

  it('names a file that does not exist', () => {
    const file = join(directory, 'no\nsuch');
    expect(refusal({ file }).message).toBe(
      `cannot read token file ${directory}/no\\u000asuch: no such file; check the path given with --token-file`,
    );
  });

  it('refuses a directory', () => {
    chmodSync(directory, 0o700);
    expect(refusal({ file: directory }).message).toContain('it is a directory');
  });

  it.runIf(process.platform !== 'win32').each([0o640, 0o604, 0o620, 0o644, 0o777])(
    'refuses a file of mode %o and says how to close it',
    (mode) => {
      const file = tokenFile(TOKEN, mode);
      expect(refusal({ file }).message).toBe(
        `other users can read or change token file ${file}; run: chmod 600 ${file}`,
      );
    },
  );

  it.runIf(process.platform !== 'win32')('accepts a file that only its owner can read', () => {
    expect(readToken({ file: tokenFile(TOKEN, 0o400) })).toBe(TOKEN);
  });
});

describe('readTokens', () => {
  const other = 'x'.repeat(32);

  it('reads one token a line, in their order', () => {
    const file = tokenFile(`\ufeff${TOKEN}\r\n\n  ${other}\n`);
    expect(readTokens({ file })).toEqual([TOKEN, other]);
    expect(readTokens({ env: TOKEN })).toEqual([TOKEN]);
  });

  it('refuses a line that is no token, a token twice, and more tokens than anybody rotates', () => {
    const many = [...'123456789'].map((digit) => digit.repeat(4096)).join('\n');
    for (const [content, message] of [
      ['', 'there is no token in'],
      [`${TOKEN}\nshort\n`, 'has 5 characters'],
      [`${TOKEN}\n${TOKEN}\n`, 'has one token twice'],
      [many, 'has more than 8 tokens'],
      [`${many}\n${many}`, 'has more than 8 tokens'],
    ] as const) {
      const error = refusal({ file: tokenFile(content) }, readTokens);
      expect([error.exitCode, error.message]).toEqual([2, expect.stringContaining(message)]);
      expect(error.message).not.toContain(TOKEN.slice(0, 20));
    }
    expect(readTokens({ file: tokenFile(many.split('\n').slice(1).join('\n')) })).toHaveLength(8);
  });
});
