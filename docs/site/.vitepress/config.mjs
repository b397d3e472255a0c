import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { GROUPS, linkOf } from '../groups.js';
import { slugOf } from '../slug.js';

const site = fileURLToPath(new URL('..', import.meta.url));
const pages = join(site, 'pages');
const { repository } = JSON.parse(readFileSync(join(site, '../../package.json'), 'utf8'));

const groups = Object.entries(GROUPS).map(([text, entries]) => ({
  text,
  items: Object.entries(entries).map(([place, title]) => ({ text: title, link: linkOf(place) })),
}));

export default defineConfig({
  title: 'wsproxy',
  description: 'A forward proxy tunneled over WebSocket, whose connections survive the loss of the WebSocket',
  lang: 'en',
  srcDir: 'pages',
  outDir: join(site, 'dist'),
  cacheDir: join(site, 'node_modules/.cache'),
  lastUpdated: false,
  markdown: { anchor: { slugify: slugOf } },
  /** Its table has six columns. */
  transformPageData: ({ relativePath }) =>
    relativePath === 'docs/options.md' ? { frontmatter: { aside: false } } : {},
  // The text of all pages, by which the search works, is large.
  vite: { build: { chunkSizeWarningLimit: 4000 } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: { '/': groups, '/reference/': [{ text: 'Documents', link: '/' }, ...referenceGroups()] },
    ...(repository === undefined ? {} : { socialLinks: [{ icon: 'github', link: urlOf(repository) }] }),
  },
});

function urlOf(repository) {
  return (repository.url ?? repository).replace(/^git\+|\.git$/g, '');
}

/** The API reference by packages and kinds. */
function referenceGroups() {
  const kinds = {
    functions: 'Functions',
    classes: 'Classes',
    interfaces: 'Interfaces',
    'type-aliases': 'Types',
    variables: 'Constants',
  };
  return ['wsproxy-client', 'wsproxy-server'].map((name) => ({
    text: name,
    link: `/reference/${name}/`,
    items: Object.entries(kinds)
      .filter(([kind]) => existsSync(join(pages, 'reference', name, kind)))
      .map(([kind, text]) => ({
        text,
        collapsed: kind !== 'functions',
        items: readdirSync(join(pages, 'reference', name, kind))
          .map((file) => file.slice(0, -'.md'.length))
          .map((entry) => ({ text: entry, link: `/reference/${name}/${kind}/${entry}` })),
      })),
  }));
}
