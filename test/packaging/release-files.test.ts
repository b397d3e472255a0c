import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';
import { parse } from 'yaml';
import { KINDS } from '../../scripts/packages/build-packages.js';
import { built, ROOT } from './built.js';

const folder = built(['npm', 'sbom']);
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

test('checksums of all files are those that sha256sum counts', async () => {
  const { code, stdout, stderr } = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder });
  expect(code, stderr).toBe(0);
  expect(stdout.trim().split('\n')).toHaveLength(6);
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

interface Step {
  readonly run?: string;
  readonly env?: object;
}

interface Job {
  readonly permissions: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

describe('the release workflow', () => {
  const text = readFileSync(join(ROOT, '.github/workflows/release.yml'), 'utf8');
  const workflow = parse(text) as { on: object; permissions: object; env: object; jobs: Record<string, Job> };
  const jobs = Object.values(workflow.jobs);

  test('builds every kind of package by the one command', () => {
    const commands = jobs.flatMap(({ steps }) => steps.flatMap(({ run: command }) => command ?? []));
    const kinds = commands.flatMap(
      (command) => /^npm run packages -- --only (\S+)/.exec(command)?.[1]?.split(',') ?? [],
    );
    expect([...new Set(kinds)].sort()).toEqual([...KINDS].sort());
  });

  test('runs nothing but its own commands where it may publish, and where they have a token', () => {
    const isOfOthers = ({ run: command = '' }: Step): boolean => /pnpm|npm run|npm install|pip|\.ci\/run/.test(command);
    expect(workflow).toMatchObject({ permissions: {}, on: { push: { tags: ['v*'] } } });
    expect(JSON.stringify(workflow.env)).not.toContain('token');
    expect(
      jobs
        .flatMap(({ steps }) => steps)
        .filter(({ env }) => env !== undefined)
        .filter(isOfOthers),
    ).toEqual([]);
    const publishing = jobs.filter(({ permissions }) => permissions['id-token'] === 'write');
    expect(publishing).toHaveLength(1);
    expect(publishing.flatMap(({ steps }) => steps).filter(isOfOthers)).toEqual([]);
  });

  test('publishes files, and no repository that npm would look for on GitHub: ./dist/NAME.tgz is not dist/NAME.tgz', () => {
    expect(text.match(/npm publish \S+/g)).toEqual(['npm publish ./dist/wsproxy-$name-*.tgz']);
  });

  test('takes actions by their commit', () => {
    const actions = [...text.matchAll(/uses: (.+)/g)].map(([, action]) => action);
    expect(actions.filter((action) => !/^[\w/-]+@[0-9a-f]{40} # v/.test(action ?? ''))).toEqual([]);
  });
});
