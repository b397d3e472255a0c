import { readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { readPageFiles } from '../../packages/client/dist/status/page-files.js';
import { root } from './run.js';

/** A program with all that it imports, in one CommonJS module, for an executable. It is the same for all platforms. */
export function bundle(program: Program): Promise<Bundle> {
  const made = bundles.get(program) ?? makeBundle(program);
  bundles.set(program, made);
  return made;
}

const bundles = new Map<Program, Promise<Bundle>>();

async function makeBundle(program: Program): Promise<Bundle> {
  const assets = new Map<string, Buffer>();
  const { outputFiles, metafile } = await build({
    entryPoints: [join(root, 'packages', program.replace('wsproxy-', ''), 'bin', `${program}.js`)],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    write: false,
    metafile: true,
    logLevel: 'error',
    absWorkingDir: root,
    // Half the source to keep in memory. Names stay, for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    // They stand in THIRD-PARTY-NOTICES.txt.
    legalComments: 'none',
    // Of the library alone; it is optional.
    external: ['undici'],
    plugins: [withoutFiles(assets)],
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error(`${program}: esbuild has made nothing`);
  const inputs = Object.keys(metafile.inputs);
  // It is served by the status page, and nothing imports it.
  if (assets.has('/uplot.js')) inputs.push('packages/client/node_modules/uplot/package.json');
  return { code: output.text, assets, packages: packagesOf(inputs) };
}

export type Program = 'wsproxy-client' | 'wsproxy-server';

export const PROGRAMS: readonly Program[] = ['wsproxy-client', 'wsproxy-server'];

export interface Bundle {
  readonly code: string;
  /** What the program reads while it runs, by its name. */
  readonly assets: ReadonlyMap<string, Buffer>;
  /** Folders of the packages that are in it, besides our own. */
  readonly packages: readonly string[];
}

/** An executable has no files beside it. What the programs read of their packages comes from within. */
function withoutFiles(assets: Map<string, Buffer>): Plugin {
  return {
    name: 'without files',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]dist[\\/]status[\\/]page-files\.js$/ }, async () => {
        const files = await readPageFiles(true);
        for (const [path, { body }] of files) assets.set(path, body);
        const types = Object.fromEntries([...files].map(([path, { type }]) => [path, type]));
        return { contents: pageFilesFromAssets(types) };
      });
      // A thread is a module of its own.
      onLoad({ filter: /[\\/]dist[\\/]inspect[\\/]script[\\/]thread-url\.js$/ }, ({ path }) => {
        const url = `data:text/javascript;base64,${readFileSync(join(dirname(path), 'thread.js'), 'base64')}`;
        return { contents: `export function threadUrl() { return new URL(${JSON.stringify(url)}); }` };
      });
      // esbuild follows a `require` that is not a variable of the file.
      onLoad({ filter: /[\\/]dist[\\/]logging[\\/]create-logger\.js$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        const contents = text.replace('const require = createRequire(import.meta.url);', '');
        if (contents === text) throw new Error(`${path}: it requires its packages in another way now`);
        return { contents };
      });
    },
  };
}

/** In place of packages/client/src/status/page-files.ts. */
function pageFilesFromAssets(types: Readonly<Record<string, string>>): string {
  return `
    import { getRawAsset } from 'node:sea';
    const TYPES = ${JSON.stringify(types)};
    export async function readPageFiles(inspection) {
      const entries = Object.entries(TYPES).filter(([path]) => inspection || !path.startsWith('/inspect/'));
      return new Map(entries.map(([path, type]) => [path, { type, body: Buffer.from(getRawAsset(path)) }]));
    }`;
}

function packagesOf(inputs: readonly string[]): string[] {
  const folders = inputs.map((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path.replaceAll(sep, '/'))?.[1]);
  return [...new Set(folders)]
    .filter((folder) => folder !== undefined)
    .sort()
    .map((folder) => join(root, folder));
}
