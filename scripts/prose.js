// Plain words: what a document for people may not have, and how hard it is to read. For comments and titles of tests too.
//
//   node scripts/prose.js                    tells what the pages below and the sources have that they may not, and fails
//   node scripts/prose.js --measure FILE...  prints reading measures of Markdown files, one line for each
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The documents that are held to it. The list grows: a new document belongs here. */
export const PAGES = [
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'PROTOCOL.md',
  'README.md',
  'SECURITY.md',
  'docs/api.md',
  'docs/architecture.md',
  'docs/browser.md',
  'docs/client.md',
  'docs/console.md',
  'docs/deploy.md',
  'docs/front.md',
  'docs/inspect.md',
  'docs/install.md',
  'docs/limits.md',
  'docs/log.md',
  'docs/observing.md',
  'docs/options.md',
  'docs/performance.md',
  'docs/policy.md',
  'docs/push.md',
  'docs/reliability.md',
  'docs/reverse-http.md',
  'docs/reverse.md',
  'docs/scaling.md',
  'docs/store.md',
  'docs/udp.md',
  'docs/users.md',
  'docs/wisp.md',
  'examples/README.md',
  'packages/browser/README.md',
  'packages/cli/README.md',
  'packages/client/README.md',
  'packages/engine/README.md',
  'packages/node/README.md',
  'packages/server/README.md',
];

/** A longer sentence has two ideas. Code counts as one word. */
const LONGEST = 28;
/** Of the sentences of a page: a passive without "by" hides who acts. */
const MOST_PASSIVE = 0.15;

/** The same of a comment or the title of a test: engineers read them beside the code. */
const LONGEST_IN_CODE = 45;

/** Words that a second language does not bring, and what to write. */
const UNUSUAL = {
  'whoever|whomever|whosoever': 'everybody who, the user who',
  'whatever|whichever|wherever': 'any',
  'thereof|therein|thereby|thereafter|whereby|wherein|herein': 'of it, in it, by it, after that',
  'hence|thus|whence': 'so, from where',
  'albeit|lest|whilst|amongst|nought|ere': 'although, so that not, while, among, nothing, before',
  'likewise|moreover|furthermore': 'the same for, also',
  'heretofore|aforementioned|notwithstanding': 'until now, this, although',
  'shall|ought': 'must, should',
};

/** One word per concept, the common one of the field. */
const TERMS = {
  'time-outs?': 'timeout',
  'hostnames?': 'host name',
  'back-pressure': 'backpressure',
  '(?<!-)config files?': 'configuration file',
  'command-line options?': 'flag',
  'e-mails?': 'mail',
};

/** A clause as the subject, and a verb before its subject. */
const OPENINGS = {
  '(?:What|Who|Whom|Whatever)\\b(?!.*\\?$)': 'begin with the subject, not with a clause',
  '(?:Nor|Neither|Not only|Only then|Never|Seldom|Rarely)\\b(?= (?:is|are|was|were|do|does|did|has|have|can|may|will|must)\\b)':
    'put the subject before the verb',
};

const BE = '(?:is|are|was|were|be|been|being|gets?|got)';
const IRREGULAR =
  'read|sent|kept|lost|cut|told|made|given|taken|known|held|found|set|put|seen|shown|written|chosen|begun|left|met|meant|paid|brought|built|caught|drawn|driven|felt|forgotten|hidden|let|led|run|said|sold|shut|spent|split|spread|understood|won|thrown|done|gone by';
const PASSIVE = new RegExp(
  `\\b${BE} (?:not |never |also |always |then |only |\\w+ly )*(?:\\w+ed|${IRREGULAR})\\b`,
  'i',
);

/** What a page has that it may not, one line each; none is right. */
export function problemsOf(markdown) {
  const problems = [];
  const sentences = sentencesOf(markdown);
  for (const sentence of sentences) {
    const tell = (problem) => problems.push(`${problem}: ${sentence}`);
    const { length } = wordsOf(sentence);
    if (length > LONGEST) tell(`${length} words, ${LONGEST} at most`);
    for (const [words, instead] of Object.entries({ ...UNUSUAL, ...TERMS })) {
      const [found] = new RegExp(`\\b(?:${words})\\b`, 'i').exec(sentence) ?? [];
      if (found !== undefined) tell(`"${found}", write ${instead}`);
    }
    for (const [opening, instead] of Object.entries(OPENINGS)) {
      if (new RegExp(`^(?:${opening})`).test(sentence)) tell(instead);
    }
  }
  const passive = sentences.filter(hidesWhoActs);
  if (passive.length > MOST_PASSIVE * sentences.length) {
    problems.push(
      `${passive.length} of ${sentences.length} sentences hide who acts, ${MOST_PASSIVE * 100} % at most:`,
      ...passive.map((sentence) => `  ${sentence}`),
    );
  }
  return problems;
}

/** What comments and titles of tests have that they may not, one line each. They may have fewer rules than pages. */
export function codeProblemsOf(source) {
  const problems = [];
  for (const sentence of [...commentsOf(source), ...titlesOf(source)].flatMap(sentencesOf)) {
    const tell = (problem) => problems.push(`${problem}: ${sentence}`);
    const { length } = wordsOf(sentence);
    if (length > LONGEST_IN_CODE) tell(`${length} words, ${LONGEST_IN_CODE} at most`);
    for (const [words, instead] of Object.entries(UNUSUAL)) {
      const [found] = new RegExp(`\\b(?:${words})\\b`, 'i').exec(sentence) ?? [];
      if (found !== undefined) tell(`"${found}", write ${instead}`);
    }
  }
  return problems;
}

/** Comments that begin a line, each without its marks; lines of `//` that follow each other are one. */
function commentsOf(source) {
  const blocks = source.match(/^[ \t]*\/\*[\s\S]*?\*\/|(?:^[ \t]*\/\/.*\n?)+/gm) ?? [];
  return blocks.map((block) =>
    block
      .replaceAll(/^[ \t]*(?:\/\*\*?|\*\/|\*|\/\/)[ \t]?|\*\/$/gm, '')
      // A command that is shown, and a tag.
      .replaceAll(/^ {2,}.*$|^@\w+ /gm, '\n\n'),
  );
}

/** The names of `describe`, `it` and `test`. */
function titlesOf(source) {
  const titles = source.matchAll(
    /(?:\b(?:describe|it|test)(?:\.\w+)*(?:\([^()'`\n]*\))?|^\s*\]\))\(\s*(['`])((?:\\.|(?!\1).)*)\1/gm,
  );
  return [...titles].map(([, , title = '']) => title);
}

/** How hard a page is to read. Shares are of all sentences, or of all words. */
export function measure(markdown) {
  const sentences = sentencesOf(markdown);
  const words = sentences.flatMap(wordsOf).filter((word) => /[a-z]/i.test(word) && word !== CODE);
  const syllables = words.map(syllablesOf);
  const share = (list, test) => list.filter(test).length / Math.max(1, list.length);
  const perSentence = sentences.flatMap(wordsOf).length / Math.max(1, sentences.length);
  const perWord = syllables.reduce((sum, n) => sum + n, 0) / Math.max(1, words.length);
  return {
    sentences: sentences.length,
    wordsPerSentence: perSentence,
    long: share(sentences, (sentence) => wordsOf(sentence).length > LONGEST),
    passive: share(sentences, hidesWhoActs),
    hard: share(syllables, (n) => n >= 3),
    // Flesch's reading ease: 60 to 70 is plain English, less is harder.
    ease: 206.835 - 1.015 * perSentence - 84.6 * perWord,
  };
}

/** What stands for code and for names of the screen, as the beginning of a sentence too. */
const CODE = 'Code';

/** The sentences of the text: of paragraphs, list items and cells of tables, without code and pictures. */
function sentencesOf(markdown) {
  const text = markdown
    .replaceAll(/^---\n.*?\n---\n/gs, '')
    .replaceAll(/^ *```.*?^ *```/gms, '\n\n')
    .replaceAll(/<!--.*?-->/gs, '')
    .replaceAll(/<https?:[^>]*>/g, CODE)
    .replaceAll(/<[a-z/][^>]*>/gi, '')
    .replaceAll(/^\[[^\]]+\]: .*$/gm, '')
    .replaceAll(/^#+ .*$/gm, '\n')
    .replaceAll(/(`+).*?\1/gs, CODE)
    .replaceAll(/!\[[^\]]*\]\([^)]*\)/g, '')
    .replaceAll(/\[[\w./-]+\.md\]\([^)]*\)/g, CODE)
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/(?<![*\w])\*(?![*\s])[^*]+\*(?!\*)/g, CODE)
    .replaceAll(/\*\*|(?<!\w)_|_(?!\w)/g, '');
  const blocks = text.split(/\n\s*\n|^\s*(?:[-*+>]|\d+\.) |^\||\|\s*$|(?<=^\|.*)\|/m);
  return blocks
    .flatMap((block) =>
      block
        .replaceAll(/\s+/g, ' ')
        .trim()
        .split(/(?<=[.!?]\)?) (?=[^a-z])/),
    )
    .map((sentence) => sentence.trim())
    .filter((sentence) => wordsOf(sentence).length > 2);
}

function wordsOf(sentence) {
  return sentence.match(/[\p{L}\p{N}][\p{L}\p{N}'’./:-]*/gu) ?? [];
}

function hidesWhoActs(sentence) {
  return PASSIVE.test(sentence) && !/\bby\b/.test(sentence);
}

/** As a rule of thumb has it: groups of vowels, without a silent e at the end. */
function syllablesOf(word) {
  const groups = word
    .toLowerCase()
    .replace(/(?:[^laeiouy]es|[^aeiouydt]ed|[^laeiouy]e)$/, '')
    .match(/[aeiouy]+/g);
  return Math.max(1, groups?.length ?? 0);
}

/** Every file with code of ours. */
function sources() {
  const root = new URL('../', import.meta.url);
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true }).map((path) => `${folder}/${path}`),
  );
  return files.filter((path) => /\.(?:ts|js|mjs)$/.test(path) && !/\/(?:node_modules|dist)\//.test(path));
}

const FOLDERS = ['bench', 'examples', 'packages', 'scripts', 'test'];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [mode, ...files] = process.argv.slice(2);
  const read = (file) => readFileSync(file, 'utf8');
  if (mode === '--measure') {
    for (const file of files) {
      const { sentences, wordsPerSentence, long, passive, hard, ease } = measure(read(file));
      const percent = (value) => `${(value * 100).toFixed(0)} %`.padStart(5);
      console.log(
        `${String(sentences).padStart(5)} sentences  ${wordsPerSentence.toFixed(1).padStart(5)} words  ${percent(long)} long  ${percent(passive)} passive  ${percent(hard)} hard  ease ${ease.toFixed(0).padStart(3)}  ${file}`,
      );
    }
  } else {
    for (const page of PAGES) {
      for (const problem of problemsOf(read(new URL(`../${page}`, import.meta.url)))) {
        console.error(`${page}: ${problem}`);
        process.exitCode = 1;
      }
    }
    for (const file of sources()) {
      for (const problem of codeProblemsOf(read(new URL(`../${file}`, import.meta.url)))) {
        console.error(`${file}: ${problem}`);
        process.exitCode = 1;
      }
    }
  }
}
