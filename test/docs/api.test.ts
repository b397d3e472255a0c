import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { FAILURES } from 'wsproxy-engine';
import { run } from 'wsproxy-test-support/programs/program';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { OPTIONS } from '../../packages/server/src/options/options.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const api = read('docs/api.md');

/** The libraries, and the part of the page about each. */
const LIBRARIES = ['wsproxy-server', 'wsproxy-client'].map((name) => {
  const [, part = ''] = new RegExp(`^## ${name}\n([^]*?)(?=^## |$(?![^]))`, 'm').exec(api) ?? [];
  return { name, part, source: read(`packages/${name.slice('wsproxy-'.length)}/src/index.ts`) };
});

test('every snippet compiles in strict mode, and that of the README', { timeout: 120_000 }, async () => {
  const snippets = [...api.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = '']) => code);
  expect(snippets.length).toBeGreaterThan(5);
  const [, readme = ''] = /^```js\n(import \{ createClient \}[^]*?)^```$/m.exec(read('README.md')) ?? [];
  expect(readme).not.toBe('');
  snippets.push(readme);
  const folder = temporaryFolder();
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  // What `strict` does not ask of a user.
  const compilerOptions = {
    noEmit: true,
    isolatedDeclarations: false,
    skipLibCheck: true,
    noPropertyAccessFromIndexSignature: false,
  };
  const tsconfig = { extends: join(ROOT, 'tsconfig.base.json'), compilerOptions, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  for (const [i, code] of snippets.entries()) writeFileSync(join(folder, `snippet${i + 1}.ts`), code);
  const { code, stdout, stderr } = await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder], { timeout: 110_000 });
  expect([code, stdout, stderr]).toEqual([0, '', '']);
});

describe.each(LIBRARIES)('of $name', ({ part, source }) => {
  const text = part.replaceAll(/^```[^]*?^```$/gm, '');
  /** Anything that stands between backquotes, split into names. */
  const named = new Set((text.match(/`[^`\n]+`/g) ?? []).flatMap((code) => code.match(/\w+/g) ?? []));

  test('every exported name stands on the page', () => {
    const exported = [...source.matchAll(/\{([^}]+)\}/g)].flatMap(([, list = '']) =>
      list.split(',').map((entry) => entry.trim().replace(/^type /, '')),
    );
    expect(exported.length).toBeGreaterThan(10);
    expect(exported.filter((name) => name !== '' && !named.has(name))).toEqual([]);
  });

  test('every way in which a channel can fail stands on the page', () => {
    expect(Object.keys(FAILURES).filter((code) => !named.has(code))).toEqual([]);
  });
});

test('every exported name of the package for pages stands on its page', () => {
  const named = new Set(
    (read('docs/browser.md').match(/`[^`\n]+`/g) ?? []).flatMap((code) => code.match(/\w+/g) ?? []),
  );
  const exported = [...read('packages/browser/src/index.ts').matchAll(/\{([^}]+)\}/g)].flatMap(([, list = '']) =>
    list.split(',').map((entry) => entry.trim().replace(/^type /, '')),
  );
  expect(exported.length).toBeGreaterThan(10);
  expect(exported.filter((name) => !named.has(name))).toEqual([]);
});

test('every option and every method of the server stands on the page, and no other option', () => {
  const part = LIBRARIES.find(({ name }) => name === 'wsproxy-server')?.part ?? '';
  const rowsOf = (title: string) => {
    const [, table = ''] = new RegExp(`^### ${title}\n([^]*?)(?=^### |$(?![^]))`, 'm').exec(part) ?? [];
    return [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) => cell.match(/\w+(?=[`(\]])/g) ?? []);
  };
  const options = Object.entries(OPTIONS).flatMap(([key, { library }]) =>
    library === undefined ? [key.split('.', 1).join()] : [],
  );
  expect(rowsOf('Options').sort()).toEqual([...new Set(options)].sort());

  const server = /^export class Server \{([^]*?)^\}/m.exec(read('packages/server/src/server.ts'))?.[1] ?? '';
  const members = [...server.matchAll(/^ {2}(?:async |get )?\[?(?:Symbol\.)?(\w+)\]?\(/gm)].map(
    ([, name = '']) => name,
  );
  const methods = rowsOf('Methods');
  expect(members.filter((name) => name !== 'constructor' && !methods.includes(name))).toEqual([]);
});
