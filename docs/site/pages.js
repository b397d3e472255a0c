import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { slugOf } from './slug.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Folders whose files documents link to, each one page, by its title. */
const FOLDERS = { deploy: '# Files for deployment', examples: undefined };
const PICTURE = /\.(png|svg)$/;
/** A link, but for those within code. */
const LINK = /(```.*?^ *```|`[^`\n]+`)|\]\(([^)\s]+)\)/gms;

/** Puts the pages of the site and their pictures into a folder, at the places that they have in the repository. */
export function gatherPages(folder) {
  const put = (path, text) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const documents = ['.', 'docs', 'docs/zh'].flatMap(markdownIn);
  for (const path of documents) put(pageOf(path), withLinks(path, read(path)));
  put('LICENSE.md', `# Licence\n\n${read('LICENSE')}`);
  for (const [name, title] of Object.entries(FOLDERS))
    put(`${name}/index.md`, withLinks(`${name}/README.md`, pageOfFolder(name, title)));
  for (const place of ['docs', 'bench/results']) {
    for (const file of readdirSync(join(root, place)).filter((name) => PICTURE.test(name))) {
      cpSync(join(root, place, file), join(folder, place, file));
    }
  }
}

const read = (path) => readFileSync(join(root, path), 'utf8');

function markdownIn(place) {
  const files = readdirSync(join(root, place)).filter((name) => name.endsWith('.md'));
  return files.map((name) => posix.join(place, name));
}

/** README.md is what a folder shows first. What is in Chinese is below `zh/`. */
function pageOf(path) {
  return path
    .replace('README.zh-CN.md', 'zh/index.md')
    .replace('docs/zh/', 'zh/')
    .replace(/(^|\/)README\.md$/, '$1index.md');
}

/** All files of a folder, each with its content under its name. */
function pageOfFolder(name, title = read(`${name}/README.md`)) {
  const entries = readdirSync(join(root, name), { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && !/^(README\.md|.*-lock\.json)$/.test(entry.name))
    .map((entry) => posix.relative(name, posix.join(posix.relative(root, entry.parentPath), entry.name)));
  const sections = files
    .filter((file) => !/(^|\/)(node_modules|dist)\//.test(file))
    .sort()
    .map((file) => `## ${file}\n\n\`\`\`\`${languageOf(file)}\n${read(`${name}/${file}`).trimEnd()}\n\`\`\`\`\n`);
  return [title.trimEnd(), ...sections].join('\n\n');
}

function languageOf(file) {
  const known = { Dockerfile: 'docker', conf: 'nginx', mjs: 'js', plist: 'xml', service: 'ini', socket: 'ini' };
  const ending = /[^./]+$/.exec(file)?.[0] ?? '';
  return known[ending] ?? (['css', 'html', 'js', 'json', 'sh', 'yaml'].includes(ending) ? ending : 'txt');
}

/** The text of a document, whose links lead to pages of the site. */
function withLinks(from, text) {
  return text
    .replaceAll(/(?<=<img src=")[^"]+/g, (target) => pageLink(from, target))
    .replaceAll(LINK, (all, code, target) => (code === undefined ? `](${pageLink(from, target)})` : all));
}

function pageLink(from, target) {
  const [place = '', anchor] = target.split('#');
  if (/^\w+:/.test(target) || place === '') return target;
  const path = posix.join(posix.dirname(from), place).replace(/\/$/, '');
  const to = posix.relative(posix.dirname(pageOf(from)), PICTURE.test(path) ? path : pageFor(path, from));
  return `./${anchor === undefined ? to : `${to.split('#', 1)[0]}#${anchor}`}`;
}

function pageFor(path, from) {
  if (path === 'LICENSE') return 'LICENSE.md';
  if (path.endsWith('.md')) return pageOf(path);
  const [folder = ''] = path.split('/');
  if (!(folder in FOLDERS)) throw new Error(`${from} leads to ${path}, which has no page`);
  return path === folder ? `${folder}/index.md` : `${folder}/index.md#${slugOf(path.slice(folder.length + 1))}`;
}
