import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A line as the code writes it: `…` for what differs; without a level where a variable says it, or a FloodLog of that level. */
interface Line {
  readonly text: string;
  readonly level: string | undefined;
}

/** A call that writes one: `logger.warn(`, `logger[level](`, `write(` of a FloodLog, `writeSome(`, or `log(` of a remote listener. */
const CALL =
  /(?:\blogger\??\.(info|warn|error)|\blogger\[\w+\]|(?:\blines|#\w+)\.write(?:Some)?|\b(?:this|claim|before)\.log)\(/g;
/** The last argument of a call, of two at least: text (of `buffer.write` an encoding), or the name of a constant. */
const MESSAGE = /,\s*(?:'((?:[^'\\]|\\.)*)'|`([^`]*)`|([A-Z][A-Z_]+)),?\s*$/;

function linesOf(path: string): Line[] {
  const source = readFileSync(path, 'utf8');
  return Array.from(source.matchAll(CALL), (call) => {
    const [, text, template, constant] = MESSAGE.exec(argumentsAt(source, call.index + call[0].length)) ?? [];
    const declared =
      constant === undefined ? undefined : new RegExp(`const ${constant} =\\s*'([^']*)'`).exec(source)?.[1];
    return { text: text ?? template?.replaceAll(/\$\{[^}]*\}/g, '…') ?? declared ?? '', level: call[1] };
  }).filter(({ text }) => text !== '' && text !== 'latin1');
}

/** What stands between a parenthesis that was opened before `from` and the one that closes it. */
function argumentsAt(source: string, from: number): string {
  let depth = 1;
  let at = from;
  for (; depth > 0 && at < source.length; at += 1) {
    if (source[at] === '(') depth += 1;
    if (source[at] === ')') depth -= 1;
  }
  return source.slice(from, at - 1);
}

const LINES = readdirSync(join(ROOT, 'packages')).flatMap((name) => {
  const folder = join(ROOT, 'packages', name, 'src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.flatMap((file) => linesOf(join(folder, file)));
});

/** The rows of the tables of docs/log.md: lines, and the levels that they may have. */
const ROWS = Array.from(
  readFileSync(join(ROOT, 'docs/log.md'), 'utf8').matchAll(/^\| (`.*?`) \| ((?:info|warn|error)[^|]*) \|/gm),
  ([, cell = '', levels = '']) => ({ texts: [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text), levels }),
);

/** Whether a line of the code may be that of the page: what differs there may be spelled out here. */
function isLine(text: string, row: string): boolean {
  const parts = text.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.+')}$`).test(row);
}

test('docs/log.md has every line of the log, with its level', () => {
  expect(LINES.length).toBeGreaterThan(50);
  const missing = LINES.filter(
    ({ text, level }) =>
      !ROWS.some(({ texts, levels }) => texts.some((row) => isLine(text, row)) && levels.includes(level ?? '')),
  );
  expect(missing).toEqual([]);
});

test('docs/log.md has no line that no program writes', () => {
  const invented = ROWS.flatMap(({ texts }) => texts).filter((row) => !LINES.some(({ text }) => isLine(text, row)));
  expect(invented).toEqual([]);
});
