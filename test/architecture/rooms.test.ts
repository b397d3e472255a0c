import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkRooms, readRooms, sourceFiles, tableOf } from '../../scripts/rooms.js';

const rooms = readRooms();
const names = Object.keys(rooms);
const files = sourceFiles();

/** Modules that do not belong to this repository, and that a room would have to be allowed. */
const OUTSIDE = ['commander', 'node:net', 'node:process', 'pino', 'socks', 'undici', 'ws', 'yaml'];

const isFile = (room: string): boolean => room.endsWith('.ts');

/** A file in `room`, from the root of the repository. */
function fileIn(room: string, name = 'planted'): string {
  const [head = '', ...rest] = room.split('/');
  const folder = room === 'client/page' ? ['packages', room] : ['packages', head, 'src', ...rest];
  return isFile(room) ? folder.join('/') : [...folder, `${name}.ts`].join('/');
}

/** How `from` would import `to`: by its path in its own package, by its door from another one. */
function specifier(from: string, to: string): string {
  if (from.split('/')[0] !== to.split('/')[0]) return `wsproxy-${to.replace(/\/index\.ts$/, '')}`;
  const path = posix.relative(posix.dirname(fileIn(from)), fileIn(to, 'other')).replace(/\.ts$/, '.js');
  return path.startsWith('.') ? path : `./${path}`;
}

/** Whether other packages can import it by a name: the index of its package, or a room of a package without one. */
function isDoor(room: string): boolean {
  const index = `${room.split('/')[0]}/index.ts`;
  return names.includes(index) ? room === index : !isFile(room);
}

function plant(room: string, ...imports: string[]): string[] {
  return checkRooms(rooms, new Map([[fileIn(room), imports.join('\n')]])).filter((line) =>
    line.startsWith('packages/'),
  );
}

describe('who may import whom', () => {
  test('every import is one that rooms.json allows, every folder stands in it, and it has no circle', () => {
    expect(files.size).toBeGreaterThan(200);
    expect(checkRooms(rooms, files)).toEqual([]);
  });

  test('every pair of rooms that may not meet is caught, however it is imported', () => {
    let forbidden = 0;
    for (const from of names) {
      for (const to of names) {
        if (from === to || (from.split('/')[0] !== to.split('/')[0] && !isDoor(to))) continue;
        const path = specifier(from, to);
        const isAllowed = rooms[from]?.includes(to) === true;
        const planted = [
          `import { x } from '${path}';`,
          `import type { X } from '${path}';`,
          `await import('${path}');`,
        ];
        expect(plant(from, ...planted), `${from} -> ${to}`).toHaveLength(isAllowed ? 0 : 3);
        if (!isAllowed) forbidden += 1;
      }
    }
    expect(forbidden).toBeGreaterThan(800);
  });

  test.each(OUTSIDE)('%s is caught everywhere that it is not allowed', (module) => {
    for (const room of names) {
      const isAllowed = rooms[room]?.some((one) => one === module || (one === 'node:*' && module.startsWith('node:')));
      expect(plant(room, `import x from '${module}';`), room).toHaveLength(isAllowed === true ? 0 : 1);
    }
  });

  test('a folder that nobody named is caught', () => {
    const planted = new Map([...files, ['packages/engine/src/novelty/novelty.ts', '']]);
    expect(checkRooms(rooms, planted)).toEqual([
      'packages/engine/src/novelty/novelty.ts: rooms.json does not name this folder',
    ]);
  });

  test('a room that is named and not there is caught', () => {
    expect(checkRooms({ ...rooms, 'engine/gone': [] }, files)).toEqual(['rooms.json: engine/gone is not there']);
  });

  test('a way into another package past its door is caught', () => {
    expect(plant('client/tunnel', "import { x } from '../../../node/src/relay/relay.js';")).toHaveLength(1);
  });

  test('a circle of rooms is caught', () => {
    const circle = { ...rooms, engine: ['engine/session'] };
    expect(checkRooms(circle, files).some((line) => line.includes('a circle'))).toBe(true);
  });

  test('the table in CONTRIBUTING.md is made from rooms.json', () => {
    const page = readFileSync(new URL('../../CONTRIBUTING.md', import.meta.url), 'utf8');
    expect(page).toContain(tableOf(rooms));
  });

  test('every room, or the one around it, is described in docs/architecture.md', () => {
    const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
    const described = (room: string): boolean => page.includes(`| \`${room}\``) || page.includes(`, \`${room}\` |`);
    const around = (room: string): string => room.split('/').slice(0, 2).join('/');
    const rest = names.filter((room) => !isFile(room) && !described(room) && !described(around(room)));
    expect(rest).toEqual(['cli/logging', 'cli/options', 'cli/completion', 'cli/yaml', 'cli/config']);
  });
});
