import { describe, expect, test } from 'vitest';
import { booleanOf, isMap, sourceOf, YamlText } from '../../src/yaml/index.js';

const SECRET = 'a-token-for-tests-0123456789-abcdefghij';
const read = (text: string, quotes = false) => new YamlText(text, { quotes });

describe('a text in YAML', () => {
  test('says in which line a node stands, and what was told of it', () => {
    const text = read('# nothing yet\na: 1\nb:\n  - c\n', true);
    const nodes = isMap(text.contents) ? text.contents.items.map(({ key }) => key) : [];
    expect(nodes.map((node) => text.lineOf(node))).toEqual([2, 3]);
    text.blame(nodes[1], 'is wrong');
    expect(text.mistakes).toEqual([{ line: 3, message: 'is wrong' }]);
  });

  test.each([
    ['a key twice', 'a: 1\nb: 2\na: 3', 3],
    ['an open quote', `a: "${SECRET}`, 1],
    ['an unknown tag', `a: !${SECRET} x`, 1],
    ['lists without an end', '['.repeat(100_000), 1],
  ])('with %s is told with its line, and quoted nowhere', (_what, text, line) => {
    const { mistakes } = read(text);
    expect(mistakes.map((mistake) => mistake.line)).toContain(line);
    for (const { message } of mistakes) expect(message).toMatch(/^not YAML: [a-z ]+$/);
  });

  test('is quoted where it may be', () => {
    expect(read('a: !odd x', true).mistakes[0]?.message).toContain('!odd');
  });

  test('is quoted in one line, no matter what ends a line there', () => {
    for (const { message } of read('>\rheader: x\n', true).mistakes) expect(message).toMatch(/^[^\n\r]+$/);
  });
});

test.each([
  ['0123', '0123', undefined],
  ['1080:80', '1080:80', undefined],
  ['"a b"', 'a b', undefined],
  ['""', '', undefined],
  ['true', undefined, true],
  ['no', 'no', undefined],
  ['~', undefined, undefined],
  ['[a]', undefined, undefined],
])('the scalar %s is read as it stands', (text, source, boolean) => {
  const { contents } = read(text);
  expect([sourceOf(contents), booleanOf(contents)]).toEqual([source, boolean]);
});
