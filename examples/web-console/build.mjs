// Makes dist/: the page, in one script and one style sheet.

import { cpSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
/** What the ssh library asks of Node, and never uses in a page. */
const OF_NODE = ['crypto', 'net', 'node-rsa', 'os', 'path', 'stream'];

mkdirSync(here('dist'), { recursive: true });
for (const name of ['index.html', 'icon.svg']) cpSync(here(`page/${name}`), here(`dist/${name}`));
await build({
  entryPoints: { main: here('page/main.js') },
  outdir: here('dist'),
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'eof',
  define: { global: 'globalThis' },
  alias: Object.fromEntries(OF_NODE.map((name) => [name, here('page/without-node.js')])),
  inject: [here('page/globals.js')],
  logLevel: 'warning',
});
