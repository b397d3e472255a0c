// `npm run docs`: a site of all documents, with an API reference from the docstrings, in docs/site/dist. From a fresh clone on.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install, manifest, step } from '../../scripts/steps.mjs';
import { deadLinks } from './dead-links.js';
import { gatherPages } from './pages.js';

const site = fileURLToPath(new URL('.', import.meta.url));
const pages = join(site, 'pages');
const dist = join(site, 'dist');

/** What makes the site is apart from the tools of the code, whose tests need none of it, and whose compiler TypeDoc cannot use. */
const installTools = () =>
  step('tools', 'npx', [
    '--yes',
    manifest.packageManager,
    '--dir',
    site,
    '--ignore-workspace',
    'install',
    '--frozen-lockfile',
  ]);

function gather() {
  for (const folder of [pages, dist]) rmSync(folder, { recursive: true, force: true });
  gatherPages(pages);
  return true;
}

const run = (name, tool, ...args) => step(name, process.execPath, [join(site, 'node_modules', tool), ...args]);
const reference = () => run('api', 'typedoc/bin/typedoc', '--options', join(site, 'typedoc.json'));
const build = () => run('site', 'vitepress/bin/vitepress.js', 'build', site);

function checkLinks() {
  const dead = deadLinks(dist);
  for (const link of dead) console.error(link);
  return dead.length === 0;
}

process.exitCode = 1;
for (const next of [install, installTools, gather, reference, build, checkLinks]) {
  if (!(await next())) process.exit();
}
process.exitCode = 0;
console.log(`\n${dist}`);
