import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { codeProblemsOf, measure, PAGES, problemsOf } from '../../scripts/prose.js';

const count = (n: number) => Array.from({ length: n }, () => 'word').join(' ');

describe('a document may have', () => {
  test.each([
    ['28 words in a sentence', `The ${count(27)}. The ${count(27)}.`],
    [
      'more of them in code',
      `The server starts.\n\n\`\`\`\nthe ${count(40)}\n\`\`\`\n\nIt reads \`${count(40)}\` and waits.`,
    ],
    [
      'more of them in several items, cells and paragraphs',
      `- ${count(20)}\n- ${count(20)}\n\n| ${count(20)} | ${count(20)} |`,
    ],
    ['questions', 'What is it? The server listens on one port.'],
    ['a verb with who acts', `The client is stopped by systemd. ${'The server listens on one port. '.repeat(4)}`],
    ['names of the screen at the beginning', '*What happened* has the last events.'],
    ['some sentences that do not say who acts', `The port is closed. ${'The server listens on one port. '.repeat(9)}`],
  ])('%s', (_what, text) => expect(problemsOf(text)).toEqual([]));
});

describe('a document may not have', () => {
  test.each([
    ['29 words in a sentence', `The ${count(28)}.`, '29 words, 28 at most'],
    ['them in an item, over two lines', `- The ${count(14)}\n  ${count(14)}.`, '29 words, 28 at most'],
    ['them in a cell of a table', `| \`--flag\` | ${count(29)} |`, '29 words, 28 at most'],
    ['them in a sentence with a link', `The [${count(14)}](a.md#b) ${count(14)}.`, '29 words, 28 at most'],
    ['unusual words', 'This is for whoever has a token.', '"whoever", write everybody who'],
    ['two words for a thing', 'The time-out is 5 s.', '"time-out", write timeout'],
    ['a clause as the subject', 'What is left counts again.', 'begin with the subject'],
    ['the verb first', 'Never does the server dial it.', 'put the subject before the verb'],
    [
      'many sentences that do not say who acts',
      'The port is closed. The server is down.',
      '1 of 2 sentences hide who acts',
    ],
  ])('%s', (_what, text, problem) => expect(problemsOf(text).join('\n')).toContain(problem));
});

test.each(PAGES)('%s has nothing of that', (page) => {
  expect(problemsOf(readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8'))).toEqual([]);
});

describe('code may have', () => {
  test.each([
    ['45 words in a sentence of a comment', `// The ${count(44)}.\nf();`],
    ['a command of any length in a comment', `// Runs it:\n//\n//     ${count(60)}\nf();`],
    ['two comments with code between them', `// ${count(30)}\nf();\n// ${count(30)}\ng();`],
    ['any words outside of comments and titles', "f('whoever');"],
  ])('%s', (_what, source) => expect(codeProblemsOf(source)).toEqual([]));
});

describe('code may not have', () => {
  test.each([
    [
      '46 words in a sentence of a comment',
      `/**\n * The ${count(20)}\n * ${count(25)}.\n */\nf();`,
      '46 words, 45 at most',
    ],
    ['them over lines of their own', `  // The ${count(20)}\n  // ${count(25)}.\n  f();`, '46 words, 45 at most'],
    ['an unusual word in a comment', '/** Tells whoever asks. */', '"whoever", write everybody who'],
    ['one in a title', ['test.each(ROWS)', "('%s answers whatever comes', f);"].join(''), '"whatever", write any'],
  ])('%s', (_what, source, problem) => expect(codeProblemsOf(source).join('\n')).toContain(problem));
});

test('reading measures are those of the text', () => {
  const text = `# Title\n\nThe cat is seen. The animals are beautiful today.\n\n- ${count(30)}\n`;
  expect(measure(text)).toMatchObject({
    sentences: 3,
    wordsPerSentence: 13,
    long: 1 / 3,
    passive: 1 / 3,
    hard: 2 / 39,
  });
});

test('README.md fits in 150 lines: the rest belongs to docs', () => {
  const lines = readFileSync(new URL('../../README.md', import.meta.url), 'utf8').split('\n');
  expect(lines.length).toBeLessThanOrEqual(150);
});
