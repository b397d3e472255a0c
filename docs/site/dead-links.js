import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Every link within a built site that leads to no page, no file or no place of a page, one line each. */
export function deadLinks(folder) {
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.html'));
  const texts = new Map(pages.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
  const placesOf = (path) => new Set([...(texts.get(path) ?? '').matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id));
  const places = new Map(pages.map((path) => [path, placesOf(path)]));
  return pages.flatMap((page) =>
    [...new Set(linksOf(texts.get(page) ?? ''))].flatMap((link) => {
      const { pathname, hash } = new URL(link, `http://site/${page}`);
      const path = fileOf(folder, decodeURIComponent(pathname.slice(1)));
      const place = decodeURIComponent(hash.slice(1));
      const isThere = path !== undefined && (place === '' || places.get(path)?.has(place) === true);
      return isThere ? [] : [`${page}: ${link} leads nowhere`];
    }),
  );
}

function linksOf(html) {
  const links = [...html.matchAll(/<(?:a|img|link|script)\s[^>]*?(?:href|src)="([^"]+)"/g)].map(([, link]) => link);
  return links.map((link) => link.replaceAll('&amp;', '&')).filter((link) => !/^(\w+:|\/\/)/.test(link));
}

function fileOf(folder, path) {
  const file = path === '' || path.endsWith('/') ? posix.join(path, 'index.html') : path;
  const candidates = [file, `${file}.html`, posix.join(file, 'index.html')];
  return candidates.find((each) => existsSync(join(folder, each)) && statSync(join(folder, each)).isFile());
}
