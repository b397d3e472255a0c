import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'vitest/node';

/** A text of a source that people may read: `{1}`, `{2}`, ... stand for the values in it. */
export interface Message {
  readonly text: string;
  /** `packages/cli/src/size.ts:13` */
  readonly place: string;
  /** It has two words, or stands where only texts for people do; any other text may be one, too. */
  readonly isForPeople: boolean;
}

/** Every text with letters in a folder of sources. */
export function messagesOfFolder(folder: string): Message[] {
  const path = join(ROOT, folder);
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.sort().flatMap((file) => messagesOfFile(join(path, file)));
}

/** The same of one file, TypeScript or JavaScript. */
function messagesOfFile(path: string): Message[] {
  const source = readFileSync(path, 'utf8');
  const place = relative(ROOT, path);
  const found: Message[] = [];
  visit(parseAst(source, { lang: path.endsWith('.ts') ? 'ts' : 'js' }) as unknown as Node, false, (node, isSure) => {
    const line = source.slice(0, node.start).split('\n').length;
    for (const text of textsOf(node)) {
      if (!/[a-z]{2}/i.test(text)) continue;
      found.push({ text, place: `${place}:${line}`, isForPeople: isSure || isProse(text) });
    }
  });
  return found;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

type Part = string | typeof PLACE;
const PLACE = Symbol('place');
/** Of one expression; a text with more conditions in it should be several. */
const MOST_TEXTS = 16;

/** Two words with a space between them, or one behind a space or a comma that joins it to what is before it. */
function isProse(text: string): boolean {
  const plain = text.replaceAll(/\{\d+\}/g, '\0');
  return /[a-z]{2,}[^a-z]* [^a-z]*[a-z]{2,}|^[ ,;(]+[a-z]{2,}/i.test(plain);
}

/** Calls `onText` with each expression that makes a text, the largest ones only; `isSure`: such texts are for people, however short. */
function visit(node: Node, isSure: boolean, onText: (node: Node, isSure: boolean) => void): void {
  if (isText(node)) {
    onText(node, isSure);
    for (const inner of holesOf(node)) visit(inner, false, onText);
    return;
  }
  for (const [key, value] of Object.entries(node)) {
    if (isNothingToRead(node, key)) continue;
    const isCertain = isForPeople(node, key);
    for (const child of [value].flat()) if (isNode(child)) visit(child, isCertain, onText);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Node>).type === 'string';
}

/** Names, types, modules, what is compared with, and columns of the tables of options that are code. */
function isNothingToRead(node: Node, key: string): boolean {
  const { type, computed } = node;
  if (type === 'Property' && CODE.test(nameOf(node['key']))) return true;
  if (type.startsWith('TS') && !['expression', 'body', 'declaration'].includes(key)) return true;
  if (key === 'typeAnnotation' || key === 'typeArguments' || key === 'returnType' || key === 'source') return true;
  if (key === 'key' && computed !== true) return true;
  return type === 'SwitchCase' && key === 'test';
}

/** Properties of tables whose texts are for people. */
const TEXTS = /^(text|usual|otherwise|group)$/;
const CODE = /^(flags|library|unit|zero|choices)$/;
/** Calls all of whose texts are: of commander, of the doctor, of loggers. */
const CALLS = /^(description|skip|ok|warn|fail|info|error)$/;

function isForPeople(node: Node, key: string): boolean {
  if (node.type === 'Property') return key === 'value' && TEXTS.test(nameOf(node['key']));
  if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return false;
  return key === 'arguments' && CALLS.test(nameOf(node['callee']));
}

function nameOf(node: unknown): string {
  if (!isNode(node)) return '';
  if (node.type === 'MemberExpression') return nameOf(node['property']);
  return String(node['name'] ?? node['value'] ?? '');
}

function isText(node: Node): boolean {
  switch (node.type) {
    case 'Literal':
      return typeof node['value'] === 'string';
    case 'TemplateLiteral':
      return true;
    case 'BinaryExpression':
      return node['operator'] === '+' && [node['left'], node['right']].some((side) => isNode(side) && isText(side));
    case 'ConditionalExpression':
      return [node['consequent'], node['alternate']].some((side) => isNode(side) && isText(side));
    default:
      return false;
  }
}

/** What is inside it, and no text of its own. */
function holesOf(node: Node): Node[] {
  const children = {
    Literal: [],
    TemplateLiteral: node['expressions'],
    BinaryExpression: [node['left'], node['right']],
    ConditionalExpression: [node['test'], node['consequent'], node['alternate']],
  }[node.type] as Node[];
  return children.flatMap((child) => (isText(child) && child !== node['test'] ? holesOf(child) : [child]));
}

/** All that it can be, with its places numbered. */
function textsOf(node: Node): string[] {
  return [...new Set(variantsOf(node).map(numbered))];
}

function variantsOf(node: Node): Part[][] {
  switch (node.type) {
    case 'Literal':
      return typeof node['value'] === 'string' ? [[node['value']]] : [[PLACE]];
    case 'TemplateLiteral': {
      const quasis = node['quasis'] as readonly { value: { cooked: string } }[];
      const expressions = node['expressions'] as Node[];
      return quasis.reduce<Part[][]>(
        (before, { value }, n) => {
          const hole = expressions[n];
          return product(product(before, [[value.cooked]]), hole === undefined ? [[]] : variantsOf(hole));
        },
        [[]],
      );
    }
    case 'BinaryExpression':
      return isText(node) ? product(variantsOf(node['left'] as Node), variantsOf(node['right'] as Node)) : [[PLACE]];
    case 'ConditionalExpression':
      return isText(node)
        ? [...variantsOf(node['consequent'] as Node), ...variantsOf(node['alternate'] as Node)]
        : [[PLACE]];
    default:
      return [[PLACE]];
  }
}

function product(first: Part[][], second: Part[][]): Part[][] {
  const all = first.flatMap((a) => second.map((b) => [...a, ...b]));
  if (all.length > MOST_TEXTS) throw new Error('a text with too many conditions in it');
  return all;
}

/** Places beside each other are one. */
function numbered(parts: readonly Part[]): string {
  let count = 0;
  let isAtPlace = false;
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const isNext = part === PLACE && isAtPlace;
      isAtPlace = part === PLACE;
      if (part !== PLACE) return part;
      return isNext ? '' : `{${++count}}`;
    })
    .join('');
}
