import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { programCommand } from '../../src/init/program-command.js';

let folder: string;
let script: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsproxy-command-'));
  script = join(folder, 'program.js');
  writeFileSync(script, '');
});
afterEach(() => rmSync(folder, { recursive: true }));

const commandOf = (PATH: string, execPath: string = process.execPath) =>
  programCommand('program', { execPath, argv: [execPath, script], env: { PATH } });

describe('a program', () => {
  test('is started by Node and its script', () => {
    expect(commandOf('/nonexistent')).toEqual({
      words: [process.execPath, script],
      typed: [process.execPath, script],
    });
  });

  test('is typed by its name where the shell finds the same one', () => {
    symlinkSync(script, join(folder, 'program'));
    expect(commandOf(`/nonexistent:${folder}`).typed).toEqual(['program']);
  });

  test('is typed in full where the shell finds another one', () => {
    writeFileSync(join(folder, 'program'), '');
    expect(commandOf(folder).typed).toEqual([process.execPath, script]);
  });

  test('is not lost where Node does not know its own path', () => {
    expect(commandOf(folder, '/nowhere').words).toEqual(['/nowhere', script]);
  });
});
