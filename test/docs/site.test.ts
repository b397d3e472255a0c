import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { deadLinks } from '../../docs/site/dead-links.js';
import { CHINESE_GROUPS, GROUPS, linkOf } from '../../docs/site/groups.js';
import { gatherPages } from '../../docs/site/pages.js';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));
const documents = readdirSync(DOCS).filter((name) => name.endsWith('.md'));

test('every document has a place at the side of the site', () => {
  const links = Object.values(GROUPS).flatMap((entries) => Object.keys(entries).map(linkOf));
  expect(
    documents.map((name) => `/docs/${name.slice(0, -'.md'.length)}`).filter((link) => !links.includes(link)),
  ).toEqual([]);
});

test('so has every document in Chinese', () => {
  const links = Object.values(CHINESE_GROUPS).flatMap((entries) => Object.keys(entries).map(linkOf));
  const pages = readdirSync(join(DOCS, 'zh')).map((name) => `/zh/${name.slice(0, -'.md'.length)}`);
  expect(['/zh/', ...pages].filter((link) => !links.includes(link))).toEqual([]);
});

describe('the pages of the site', () => {
  function gather() {
    const folder = temporaryFolder();
    gatherPages(folder);
    return { folder, page: (path: string) => readFileSync(join(folder, path), 'utf8') };
  }

  test('are all documents, and their pictures', () => {
    const { folder } = gather();
    expect(readdirSync(join(folder, 'docs'))).toEqual(expect.arrayContaining([...documents, 'status-light.png']));
  });

  test('lead to each other where they led to files', () => {
    const { page } = gather();
    expect(page('index.md')).toContain('](./docs/client.md#programs-that-use-it)');
    expect(page('index.md')).toContain('](./examples/index.md)');
    expect(page('index.md')).toContain('<img src="./docs/status-light.png"');
    expect(page('docs/observing.md')).toContain('](./../deploy/index.md#prometheusyaml)');
  });

  test('in Chinese are below a place of their own, and lead to the others from there', () => {
    const { page } = gather();
    expect(page('zh/index.md')).toContain('](./../docs/client.md#programs-that-use-it)');
    expect(page('zh/index.md')).toContain('](./quick-start.md)');
    expect(page('zh/index.md')).toContain('<img src="./../docs/status-light.png"');
    expect(page('zh/quick-start.md')).toContain('](./index.md)');
    expect(page('zh/quick-start.md')).toContain('](./../docs/policy.md)');
    expect(page('index.md')).toContain('](./zh/index.md)');
  });

  test('have the files for deployment and the examples, each below its name', () => {
    const { page } = gather();
    expect(page('deploy/index.md')).toMatch(/^## Caddyfile\n\n````txt\n/m);
    expect(page('examples/index.md')).toMatch(/^## push\/server\.mjs\n\n````js\n/m);
  });
});

test('dead links of a site are told: to pages, pictures and headings', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'docs'));
  const links = ['/docs/b.html#there', '/docs/b', './docs/b.html#not-there', '/docs/c.html', 'https://example.org/'];
  const text = links.map((link) => `<a class="x" href="${link}">x</a>`).join('');
  writeFileSync(join(folder, 'index.html'), `${text}<img alt="x" src="no.png">`);
  writeFileSync(join(folder, 'docs/b.html'), '<h2 id="there">x</h2><a href="../">x</a>');
  expect(deadLinks(folder)).toEqual([
    'index.html: ./docs/b.html#not-there leads nowhere',
    'index.html: /docs/c.html leads nowhere',
    'index.html: no.png leads nowhere',
  ]);
});
