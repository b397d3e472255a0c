import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createSearchList } from '../../../src/dial/names/search-list.js';

function namesFor(config: string, host = 'host'): (name: string) => readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'resolv-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'resolv.conf');
  writeFileSync(path, config);
  return createSearchList(path, undefined, host);
}

describe('the names that are asked for', () => {
  test.each([
    ['', 'redis', ['redis']],
    ['search corp.example', 'redis', ['redis.corp.example', 'redis']],
    ['search corp.example', 'example.org', ['example.org', 'example.org.corp.example']],
    ['search a.example b.example', 'redis', ['redis.a.example', 'redis.b.example', 'redis']],
    ['search a.example\nsearch \t b.example', 'redis', ['redis.b.example', 'redis']],
    ['search a.example\ndomain b.example ignored', 'redis', ['redis.b.example', 'redis']],
    ['domain b.example\nsearch a.example', 'redis', ['redis.a.example', 'redis']],
    ['search a.example\nsearch', 'redis', ['redis.a.example', 'redis']],
    ['search A.Example.', 'redis', ['redis.a.example', 'redis']],
    ['search . a.example', 'redis', ['redis', 'redis.a.example']],
    ['search a/b bad_one.example', 'redis', ['redis.bad_one.example', 'redis']],
    ['#search a.example\n; search a.example\n  search a.example', 'redis', ['redis']],
    ['search a.example\r\noptions ndots:2\r\n', 'x.y', ['x.y.a.example', 'x.y']],
    ['search a.example\noptions timeout:1 ndots:5', 'x.y.z', ['x.y.z.a.example', 'x.y.z']],
    ['search a.example\noptions ndots:0', 'redis', ['redis', 'redis.a.example']],
    ['search a.example\noptions ndots:x ndots', 'redis', ['redis.a.example', 'redis']],
    [
      'search a.example\noptions ndots:99',
      `${'a.'.repeat(15)}b`,
      [`${'a.'.repeat(15)}b`, `${'a.'.repeat(15)}b.a.example`],
    ],
  ])('with %j, for %s', (config, name, names) => {
    expect(namesFor(config)(name)).toEqual(names);
  });

  test('are below the domain of this host where the file names none', () => {
    expect(namesFor('nameserver 192.0.2.53', 'host.corp.example')('redis')).toEqual(['redis.corp.example', 'redis']);
  });

  test('are none that are too long for a question', () => {
    const name = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}`;
    expect(namesFor('search corp.example')(name)).toEqual([name]);
  });

  test('have the name itself among them, no matter what the file holds', () => {
    const line = fc.oneof(
      fc.string(),
      fc.string().map((text) => `search ${text}`),
      fc.string().map((it) => `options ${it}`),
    );
    fc.assert(
      fc.property(fc.array(line), fc.domain(), (lines, name) => {
        expect(namesFor(lines.join('\n'))(name)).toContain(name);
      }),
      { numRuns: 50 },
    );
  });
});
