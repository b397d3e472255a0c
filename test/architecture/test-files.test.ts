import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Every file below a folder that is ours, by its path from the root. */
function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '.' ? entry.name : `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return entry.isFile() ? [path] : [];
    return entry.name.startsWith('.') || ['node_modules', 'dist'].includes(entry.name) ? [] : filesBelow(path);
  });
}

const files = filesBelow('.');
const isTestCode = (path: string): boolean => /^(packages\/\w+\/)?test\/.*\.(ts|mjs)$/.test(path);
const importsOf = (path: string): string[] =>
  [...read(path).matchAll(/^(?:import|export|\}) .*?from '([^']+)';$/gm)].map(([, name = '']) => name);

/** The folder that a file may share its helpers in: that of its package's tests, or one of those in test/. */
const placeOf = (path: string): string => /^(?:packages\/\w+\/test|test\/[\w-]+)/.exec(path)?.[0] ?? '';

describe('files of tests', () => {
  test('are called by what they prove: none in test/ bears the name of another', () => {
    const names = files.filter((path) => path.endsWith('.test.ts')).map((path) => ({ path, name: basename(path) }));
    const twice = names.filter(
      ({ path, name }) => path.startsWith('test/') && names.some((other) => other.name === name && other.path !== path),
    );
    expect(twice.map(({ path }) => path)).toEqual([]);
  });

  test('exist everywhere that a document, a list or a comment names one', () => {
    const naming = files.filter((path) => /\.(md|ts|mjs|json|yaml|yml)$/.test(path) && path !== 'pnpm-lock.yaml');
    const named = naming.flatMap((path) =>
      [...read(path).matchAll(/(?<![\w./-])(?:packages\/\w+\/)?test\/[\w/-]+\.(?:test\.ts|ts|mjs|json)\b/g)].map(
        ([name]) => ({ path, name }),
      ),
    );
    const packages = readdirSync(join(ROOT, 'packages'));
    const isThere = ({ path, name }: { path: string; name: string }): boolean =>
      // In a package, a path may begin at the package.
      [
        name,
        ...packages.filter((each) => path.startsWith(`packages/${each}/`)).map((each) => `packages/${each}/${name}`),
      ].some((each) => files.includes(each));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((each) => !isThere(each))).toEqual([]);
  });

  test('reach no helper of another folder but by wsproxy-test-support', () => {
    const astray = files.filter(isTestCode).flatMap((path) =>
      importsOf(path)
        .filter((name) => name.startsWith('.'))
        .map((name) => normalize(join(dirname(path), name)))
        .filter((target) => placeOf(target) !== '' && placeOf(target) !== placeOf(path))
        .map((target) => `${path} -> ${target}`),
    );
    expect(astray).toEqual([]);
  });

  test('for the engine know nothing of Node', () => {
    const helpers = files.filter((path) => path.startsWith('test/support/engine/'));
    const known = /^(\.\/|\.\.\/\.\.\/\.\.\/packages\/engine\/src\/|(wsproxy-engine(\/testing)?|vitest)$)/;
    const astray = helpers.flatMap((path) => importsOf(path).filter((name) => !known.test(name)));
    expect(helpers.length).toBeGreaterThan(5);
    expect(astray).toEqual([]);
  });
});
