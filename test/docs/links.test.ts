import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { slugOf } from '../../docs/site/slug.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = ['.', 'docs', 'docs/zh', 'examples'].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).flatMap((name) => (name.endsWith('.md') ? [join(folder, name)] : [])),
);

/** Without what only looks like a heading or a link. */
function proseOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8').replaceAll(/^ *```.*?^ *```/gms, '');
}

/** The places of a page, by its headings; those of a second one with the same words end in -1. */
function anchorsOf(page: string): string[] {
  const slugs = Array.from(proseOf(page).matchAll(/^#+ (.+)$/gm), ([, heading = '']) => slugOf(heading));
  return slugs.map((slug, i) => {
    const before = slugs.slice(0, i).filter((each) => each === slug).length;
    return before === 0 ? slug : `${slug}-${before}`;
  });
}

/** What a page links to within the repository. */
function linksOf(page: string): string[] {
  const text = proseOf(page).replaceAll(/`[^`\n]+`/g, '');
  const targets = text.matchAll(/\]\(([^)\s]+)\)|<img src="([^"]+)"/g);
  return Array.from(targets, ([, link, image]) => link ?? image ?? '').filter((target) => !/^\w+:/.test(target));
}

function isThere(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
  return existsSync(file) && (anchor === undefined || anchorsOf(relative(ROOT, file)).includes(anchor));
}

test('there are links to look at', () => {
  expect(PAGES.flatMap(linksOf).filter((target) => target.includes('#')).length).toBeGreaterThan(50);
});

test.each(PAGES)('each link of %s leads to a file or a heading of the repository', (page) => {
  expect(linksOf(page).filter((target) => !isThere(page, target))).toEqual([]);
});
