import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { root, run } from './run.js';

/**
 * Packs a package for npm, into `folder`; what it is packed from goes to `stage`. What our packages share and nobody else
 * uses is put into each that needs it, so that there is nothing to publish but what people use.
 */
export function packForNpm(name: Published, stage: string, folder: string): string {
  const source = folderOf(name);
  rmSync(stage, { recursive: true, force: true });
  copyCode(join(source, 'dist'), join(stage, 'dist'));
  const manifest = readManifest(source);
  if (manifest.bin !== undefined) cpSync(join(source, 'bin'), join(stage, 'bin'), { recursive: true });
  const pages = join(source, 'page');
  if (name === 'wsproxy-client')
    cpSync(pages, join(stage, 'page'), { recursive: true, filter: (path) => !/\.ts$|tsconfig|tsbuildinfo/.test(path) });
  const inner = INNER.filter((one) => needs(manifest, one));
  for (const one of inner) copyCode(join(folderOf(one), 'dist'), join(stage, 'inside', one));
  if (inner.length > 0) for (const file of filesIn(stage)) leadInside(file, stage);
  cpSync(join(root, 'LICENSE'), join(stage, 'LICENSE'));
  cpSync(join(source, 'README.md'), join(stage, 'README.md'));
  writeFileSync(join(stage, 'package.json'), JSON.stringify(publicManifest(manifest, inner), undefined, 2));
  // npm packs the modes of the disk, and so the builder's umask.
  for (const file of filesIn(stage)) chmodSync(file, dirname(file) === join(stage, 'bin') ? 0o755 : 0o644);
  const tarball = run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: stage }).trim();
  return join(folder, tarball);
}

/** The engine is one of its own: programs in browsers use it, and client and server in one program share it. */
export type Published = (typeof PUBLISHED)[number];

export const PUBLISHED = ['wsproxy-engine', 'wsproxy-browser', 'wsproxy-client', 'wsproxy-server'] as const;

/** In the order in which they need each other. */
const INNER = ['wsproxy-cli', 'wsproxy-node'] as const;

interface Manifest {
  readonly bin?: object;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly version: string;
}

function folderOf(name: string): string {
  return join(root, 'packages', name.replace('wsproxy-', ''));
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** Also by one of those that it needs. */
function needs({ dependencies = {} }: Manifest, wanted: string): boolean {
  return INNER.some((one) => one in dependencies && (one === wanted || needs(readManifest(folderOf(one)), wanted)));
}

/** What runs and its types; it is readable as it is, so that its sources and the maps to them are not needed. */
function copyCode(from: string, to: string): void {
  for (const file of filesIn(from)) {
    const path = relative(from, file);
    if (!/\.(js|d\.ts)$/.test(path) || path.startsWith(`testing${sep}`)) continue;
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), readFileSync(file, 'utf8').replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n'));
  }
}

/** Has a file of the package import by path what it imports by the name of a package that is inside. */
function leadInside(file: string, stage: string): void {
  if (!/\.(js|d\.ts)$/.test(file)) return;
  const text = readFileSync(file, 'utf8');
  const led = text.replaceAll(
    /\b(from |import\()'(wsproxy-(?:cli|node))(\/[\w/-]+)?'/g,
    (_, before, name, door = '') => {
      const target = readManifest(folderOf(String(name))).exports[`.${String(door)}`]?.['default'];
      if (target === undefined) throw new Error(`${file}: ${String(name)} has no ${String(door)}`);
      const path = join(stage, 'inside', String(name), target.replace('./dist/', ''));
      const way = relative(dirname(file), path).replaceAll(sep, '/');
      return `${String(before)}'${way.startsWith('.') ? way : `./${way}`}'`;
    },
  );
  if (led !== text) writeFileSync(file, led);
}

/** With what the owner of the project says of it in the package.json of the repository. */
function publicManifest(manifest: Manifest, inner: readonly string[]): object {
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
  const said = ['author', 'bugs', 'homepage', 'keywords', 'repository'].filter((key) => own[key] !== undefined);
  const dependencies = [...inner.map((one) => readManifest(folderOf(one))), manifest].flatMap((one) =>
    Object.entries(one.dependencies ?? {}),
  );
  const others = dependencies.filter(([name]) => !inner.includes(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  const exact = others.map(([name, range]) => [name, range === 'workspace:*' ? manifest.version : range]);
  const { './testing': _, ...doors } = manifest.exports;
  return {
    ...manifest,
    ...Object.fromEntries(said.map((key) => [key, own[key]])),
    exports: Object.fromEntries(
      Object.entries(doors).map(([door, { types, default: code }]) => [door, { types, default: code }]),
    ),
    dependencies: Object.fromEntries(exact) as object,
    files: undefined,
    scripts: undefined,
    devDependencies: undefined,
  };
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
