import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';
import { parse } from 'yaml';
import { KINDS } from '../../scripts/packages/build-packages.js';
import { built, ROOT } from './built.js';

const folder = built('--only', 'npm,sbom');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

test('checksums of all files are those that sha256sum counts', async () => {
  const { code, stdout, stderr } = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder });
  expect(code, stderr).toBe(0);
  expect(stdout.trim().split('\n')).toHaveLength(5);
});

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly content: string }[];
  readonly licenses: readonly { readonly license: { readonly id: string } }[];
}

test.each([
  ['client', ['commander', 'node', 'pino', 'uplot', 'ws', 'yaml']],
  ['server', ['@redis/client', 'commander', 'node', 'pino', 'prom-client', 'send', 'ws', 'yaml']],
])('the bill of materials of the %s names what is in it, with licences and checksums', (program, some) => {
  const bill = JSON.parse(readFileSync(join(folder, `wsproxy-${program}-${version}.cdx.json`), 'utf8')) as {
    bomFormat: string;
    components: Component[];
  };
  expect(bill.bomFormat).toBe('CycloneDX');
  expect(bill.components.map(({ name }) => name)).toEqual(expect.arrayContaining(some));
  for (const { name, licenses, hashes } of bill.components) {
    expect(licenses[0]?.license.id, name).toMatch(/^(MIT|ISC|BSD-3-Clause|BSD-2-Clause|Apache-2\.0)$/);
    if (name !== 'node') expect(hashes?.[0]?.content, name).toMatch(/^[0-9a-f]{128}$/);
  }
});

test('the release workflow builds every kind of package by the one command', () => {
  const { jobs } = parse(readFileSync(join(ROOT, '.github/workflows/release.yml'), 'utf8')) as {
    jobs: Record<string, { steps: { run?: string }[] }>;
  };
  const commands = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run: command }) => command ?? []));
  const kinds = commands.flatMap((command) => /^npm run packages -- --only (\S+)/.exec(command)?.[1]?.split(',') ?? []);
  expect([...new Set(kinds)].sort()).toEqual([...KINDS].sort());
});
