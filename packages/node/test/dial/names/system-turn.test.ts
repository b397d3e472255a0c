import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createSystemTurn } from '../../../src/dial/names/system-turn.js';

function turnWith(config: string | undefined, system: NodeJS.Platform = 'linux') {
  const folder = mkdtempSync(join(tmpdir(), 'nsswitch-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'nsswitch.conf');
  if (config !== undefined) writeFileSync(path, config);
  return createSystemTurn(path, undefined, system);
}

const MDNS = 'hosts: files mdns4_minimal [NOTFOUND=return] dns';

describe('the system', () => {
  test.each([
    [undefined, 'example.org', 'never'],
    ['', 'example.org', 'never'],
    ['hosts: files dns', 'example.org', 'never'],
    ['hosts:\t\tfiles   dns', 'printer.local', 'never'],
    ['passwd: files sss\nhosts: dns [!UNAVAIL=return] files\n', 'example.org', 'never'],
    ['# hosts: files sss\nhosts: files dns # sss', 'example.org', 'never'],
    [MDNS, 'example.org', 'after'],
    [MDNS, 'printer', 'after'],
    [MDNS, 'printer.local', 'alone'],
    ['hosts: files mymachines resolve [!UNAVAIL=return] myhostname dns', 'container', 'after'],
    ['hosts: files resolve [!UNAVAIL=return] dns', 'printer.local', 'after'],
    ['hosts: files resolve', 'example.org', 'after'],
    ['hosts: sss', 'example.org', 'alone'],
    ['hosts: files', 'example.org', 'alone'],
    ['hosts: files # dns', 'example.org', 'alone'],
    ['hosts: files sss\nhosts: files dns', 'example.org', 'never'],
  ])('on Linux with %j is asked for %s: %s', (config, name, turn) => {
    expect(turnWith(config)(name)).toBe(turn);
  });

  test.each(['darwin', 'win32', 'freebsd'] as const)('on %s always has its turn', (system) => {
    const turn = turnWith('hosts: files dns', system);
    expect([turn('example.org'), turn('database'), turn('printer.local')]).toEqual(['after', 'alone', 'alone']);
  });
});
