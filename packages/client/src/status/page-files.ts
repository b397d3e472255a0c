import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';
/** Of the page; `app` imports the others. */
const SCRIPTS = 'app chart connections copying dom flows format happenings listeners look order view words'.split(' ');

/** Both are found from `src` as from `dist`. */
const ASSETS = '../../page/';
const COMPILED = '../../dist/page/';

type FilePlace = readonly [path: string, type: string, locate: () => string];

const FILES: readonly FilePlace[] = [
  ['/', 'text/html; charset=utf-8', () => own(ASSETS, 'index.html')],
  ['/page.css', STYLE, () => own(ASSETS, 'page.css')],
  ['/lists.css', STYLE, () => own(ASSETS, 'lists.css')],
  ['/icon.svg', 'image/svg+xml', () => own(ASSETS, 'icon.svg')],
  ...SCRIPTS.map((name): FilePlace => [`/${name}.js`, SCRIPT, () => own(COMPILED, `${name}.js`)]),
  ['/uplot.js', SCRIPT, () => ofPackage('uplot/dist/uPlot.iife.min.js')],
  ['/uplot.css', STYLE, () => ofPackage('uplot/dist/uPlot.min.css')],
];

/** What shows what passes; it has parts of the page too. */
const INSPECTION_SCRIPTS = 'app content content-view detail list look messages'.split(' ');

const INSPECTION_FILES: readonly FilePlace[] = [
  ['/inspect/', 'text/html; charset=utf-8', () => own(ASSETS, 'inspect/index.html')],
  ['/inspect/inspect.css', STYLE, () => own(ASSETS, 'inspect/inspect.css')],
  ...INSPECTION_SCRIPTS.map(
    (name): FilePlace => [`/inspect/${name}.js`, SCRIPT, () => own(COMPILED, `inspect/${name}.js`)],
  ),
];

/** The files of the page by their paths; read once, some 80 KiB together, and 20 more for `inspection`. */
export async function readPageFiles(inspection: boolean): Promise<ReadonlyMap<string, PageFile>> {
  const files = [...FILES, ...(inspection ? INSPECTION_FILES : [])].map(
    async ([path, type, locate]): Promise<[string, PageFile]> => [path, { type, body: await readFile(locate()) }],
  );
  return new Map(await Promise.all(files));
}

function own(folder: string, name: string): string {
  return fileURLToPath(new URL(folder + name, import.meta.url));
}

function ofPackage(path: string): string {
  return createRequire(import.meta.url).resolve(path);
}
