// Who may import whom, by room: rooms.json is the list, and nothing else is allowed. A room is a folder of a package's
// source, or one file of it that has a line of its own.
//
//   node scripts/rooms.js            tells each import that the list does not have, and fails
//   node scripts/rooms.js --write    writes the table in CONTRIBUTING.md anew
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const TABLE = /(<!-- rooms -->\n\n)[\s\S]*?(<!-- \/rooms -->)/;
/** Static and dynamic imports, of types too. */
const IMPORT =
  /(?:\bfrom\s+'|\bimport\s+'|\bimport\(\s*['`]|\brequire\(\s*'|^\/\/\/ <reference types=")([^'"`]+)['"`]/gm;

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));

function main(args) {
  const rooms = readRooms();
  if (args.includes('--write')) {
    const file = join(root, 'CONTRIBUTING.md');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(TABLE, (_all, before, after) => before + tableOf(rooms) + after),
    );
  }
  const mistakes = checkRooms(rooms, sourceFiles());
  for (const mistake of mistakes) console.error(mistake);
  process.exitCode = mistakes.length > 0 ? 1 : 0;
}

export function readRooms() {
  return JSON.parse(readFileSync(join(root, 'rooms.json'), 'utf8'));
}

/** Each source file of the packages, by its path from the root, with its text. */
export function sourceFiles() {
  const packages = readdirSync(join(root, 'packages'));
  const folders = packages.flatMap((name) => [`packages/${name}/src`, `packages/${name}/page`]);
  const files = new Map();
  for (const folder of folders) {
    for (const file of listFiles(join(root, folder))) {
      if (/\.[cm]?[jt]sx?$/.test(file))
        files.set(relative(root, file).replaceAll('\\', '/'), readFileSync(file, 'utf8'));
    }
  }
  return files;
}

/** One line for each import that `rooms` does not allow, each folder that it does not name, and each circle in it. */
export function checkRooms(rooms, files) {
  const mistakes = findCircles(rooms);
  const entered = new Set();
  for (const [file, text] of files) {
    const room = roomOf(rooms, file);
    if (room === undefined) {
      mistakes.push(`${file}: rooms.json does not name this folder`);
      continue;
    }
    entered.add(room);
    for (const [, specifier] of text.matchAll(IMPORT)) {
      const target = targetOf(rooms, file, specifier);
      if (target === undefined) mistakes.push(`${file}: ${specifier} leaves the package, whose door is its name`);
      if (target === undefined || target === room || rooms[room].some((allowed) => covers(allowed, target))) continue;
      mistakes.push(`${file}: ${room} may not import ${target} (${specifier})`);
    }
  }
  for (const room of Object.keys(rooms)) if (!entered.has(room)) mistakes.push(`rooms.json: ${room} is not there`);
  return mistakes;
}

/** The table of CONTRIBUTING.md. */
export function tableOf(rooms) {
  const rows = Object.entries(rooms).map(
    ([room, allowed]) => `| \`${room}\` | ${allowed.map((one) => `\`${one}\``).join(', ')} |`,
  );
  return ['| room | may import |', '|---|---|', ...rows, ''].join('\n');
}

/** The room that a file of the repository is in; undefined when nobody named it. */
function roomOf(rooms, file) {
  const [, name, inside] = /^packages\/([^/]+)\/(?:src\/)?(.+)$/.exec(file) ?? [];
  const path = `${name}/${inside}`;
  return [path, posix.dirname(path)].find((room) => Object.hasOwn(rooms, room));
}

/** The room, or the package, that `specifier` in `file` leads to; undefined when it climbs out of its own package. */
function targetOf(rooms, file, specifier) {
  if (specifier.startsWith('.')) {
    const path = posix.join(posix.dirname(file), specifier);
    if (!path.startsWith(/^packages\/[^/]+\//.exec(file)?.[0] ?? '')) return undefined;
    return roomOf(rooms, path.replace(/\.js$/, '.ts')) ?? path;
  }
  const [, name, door] = /^wsproxy-([^/]+)(?:\/(.+))?$/.exec(specifier) ?? [];
  if (name === undefined) return specifier;
  const index = `${name}/${door === undefined ? '' : `${door}/`}index.ts`;
  return Object.hasOwn(rooms, index) && door === undefined ? index : `${name}/${door}`;
}

function covers(allowed, target) {
  return allowed.endsWith('*') ? target.startsWith(allowed.slice(0, -1)) : allowed === target;
}

function findCircles(rooms) {
  const circles = [];
  const done = new Set();
  const visit = (room, way) => {
    if (way.includes(room))
      circles.push(`rooms.json: a circle: ${[...way.slice(way.indexOf(room)), room].join(' -> ')}`);
    if (way.includes(room) || done.has(room) || rooms[room] === undefined) return;
    for (const next of rooms[room]) visit(next, [...way, room]);
    done.add(room);
  };
  for (const room of Object.keys(rooms)) visit(room, []);
  return circles;
}

function listFiles(folder) {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(
        (entry) => entry.isFile() && !entry.parentPath.includes('node_modules') && !entry.parentPath.includes('dist'),
      )
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}
