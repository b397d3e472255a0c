/** English templates and their Chinese: `{1}`, `{2}` stand for values in both. */
export type Catalogue = Readonly<Record<string, string>>;

/**
 * What says an English text in Chinese. Values that are texts themselves are said in Chinese too; what the catalogue does
 * not know stays as it is.
 */
export function createTranslator(catalogue: Catalogue): (text: string) => string {
  return new Translator(catalogue).translate;
}

/** A text in Chinese. */
interface Said {
  readonly text: string;
  /** English words in it that are no names: of two ways to say a text, the one that leaves fewer is right. */
  readonly left: number;
}

interface Template {
  readonly pattern: RegExp;
  /** The numbers of its places, in the order of the pattern. */
  readonly places: readonly string[];
  readonly chinese: string;
  /** It says the end of a text, and what is before it is another one. */
  readonly isEnding: boolean;
  /** It has so few letters that anything could look like it: its values are one word, or known texts. */
  readonly isShort: boolean;
  /** Which one is tried first: the lowest. */
  readonly rank: number;
  /** Its own letters. */
  readonly length: number;
}

class Translator {
  readonly #texts = new Map<string, string>();
  readonly #templates: readonly Template[];
  /** What is found of the text at hand and of its parts, which templates ask for again and again. */
  readonly #found = new Map<string, Said | undefined>();

  constructor(catalogue: Catalogue) {
    const templates: Template[] = [];
    for (const [english, chinese] of Object.entries(catalogue)) {
      if (PLACES.test(english) || ENDING.test(english)) templates.push(templateOf(english, chinese));
      else this.#texts.set(plain(english), chinese);
    }
    this.#templates = templates.sort((a, b) => a.rank - b.rank || b.length - a.length);
  }

  readonly translate = (text: string): string => {
    const said = this.#best(text, true);
    this.#found.clear();
    return said.text;
  };

  /** Of a value. One word is mostly a name that somebody has given. */
  #value(text: string): Said {
    return this.#best(text, /\s/.test(text));
  }

  /** A template may take several texts for one, and leave words that the parts do not. */
  #best(text: string, isText: boolean): Said {
    const whole = this.#whole(text, isText);
    if (whole === undefined) return this.#inParts(text);
    const parts = whole.left === 0 ? whole : this.#inParts(text);
    return parts.left < whole.left ? parts : whole;
  }

  #whole(text: string, isText: boolean): Said | undefined {
    const known = isText ? this.#texts.get(plain(text)) : undefined;
    if (known !== undefined) return { text: known, left: 0 };
    const key = `${isText ? 'text' : 'name'} ${text}`;
    if (!this.#found.has(key)) this.#found.set(key, best(this.#ways(text)));
    return this.#found.get(key);
  }

  /** By each template, and as two texts where a value of one seems to go on. */
  *#ways(text: string): Generator<Said> {
    let isApart = false;
    for (const { pattern, places, chinese, isEnding, isShort } of this.#templates) {
      const found = pattern.exec(text);
      if (found === null) continue;
      const [before = '', ...values] = isEnding ? found.slice(1) : ['', ...found.slice(1)];
      if (!isApart && values.some((value) => value.includes('; '))) {
        isApart = true;
        yield* this.#apart(text);
      }
      const said = values.map((value) => this.#value(value));
      if (isShort && values.some((value, n) => /\s/.test(value) && isLeft(value, said[n]))) continue;
      const beginning = before === '' ? NOTHING : this.#best(before, true);
      const end = chinese.replaceAll(PLACE, (place, name) => said[places.indexOf(name)]?.text ?? place);
      yield joined(`${beginning.text}${end}`, beginning, ...said);
    }
  }

  /** `nothing listens at x; start the server` */
  *#apart(text: string): Generator<Said> {
    for (const { index } of text.matchAll(/; /g)) {
      const [head, tail] = [text.slice(0, index), text.slice(index + 2)].map((part) =>
        this.#whole(part, /\s/.test(part)),
      );
      if (head !== undefined && tail !== undefined) yield joined(`${head.text}${MARKS[';']}${tail.text}`, head, tail);
    }
  }

  /** Texts that were put together: `listen: the port is in use; see ...`. */
  #inParts(text: string): Said {
    const key = `parts ${text}`;
    const found = this.#found.get(key) ?? best(this.#parts(text)) ?? asItIs(text);
    this.#found.set(key, found);
    return found;
  }

  *#parts(text: string): Generator<Said> {
    const marks = [...text.matchAll(/[;:,] /g)].map(({ index }) => index);
    for (const at of marks.toReversed()) {
      const [before, after] = [text.slice(0, at), text.slice(at + 2)];
      const head = this.#whole(before, /\s/.test(before));
      if (head === undefined) continue;
      const tail = this.#value(after);
      yield joined(`${head.text}${MARKS[text.charAt(at)]}${tail.text}`, head, tail);
    }
    for (const at of marks) {
      const [before, after] = [text.slice(0, at), text.slice(at + 2)];
      const tail = this.#value(after);
      if (tail.text !== after) yield joined(`${before}${MARKS[text.charAt(at)]}${tail.text}`, asItIs(before), tail);
    }
  }
}

/** The first of those that leave the fewest words. */
function best(ways: Iterable<Said>): Said | undefined {
  let found: Said | undefined;
  for (const way of ways) {
    if (way.left === 0) return way;
    if (found === undefined || way.left < found.left) found = way;
  }
  return found;
}

const NOTHING: Said = { text: '', left: 0 };

/** A name by itself is right as it is. */
function asItIs(text: string): Said {
  return { text, left: /\s/.test(text) ? (text.match(/[a-z]{2,}/gi)?.length ?? 0) : 0 };
}

function joined(text: string, ...parts: readonly Said[]): Said {
  return { text, left: parts.reduce((sum, { left }) => sum + left, 0) };
}

function isLeft(text: string, said: Said = NOTHING): boolean {
  return said.left > 0 || said.text === text;
}

const PLACE = /\{(\d+|range)\}/g;
const PLACES = /\{(?:\d+|range)\}/;
const ENDING = /^[ ,;]/;
/** Endings that nothing else looks like are taken off first. */
const SURE_ENDING = /^(?:;| \(|\{1\}; )/;
const MARKS: Readonly<Record<string, string>> = { ';': '；', ':': '：', ',': '，' };
/** A template with fewer letters of its own is a short one. */
const FEWEST_LETTERS = 8;

function templateOf(english: string, chinese: string): Template {
  const places = [...english.matchAll(PLACE)].map(([, name = '']) => name);
  const own = plain(english).split(PLACES);
  const length = own.join('').replaceAll(/[^a-z]/gi, '').length;
  const isEnding = ENDING.test(english);
  const rank = SURE_ENDING.test(english) ? 0 : isEnding ? 2 : 1;
  const value = '([^]+?)';
  // In quotes there may be nothing.
  const body = own.map(escaped).reduce((before, after) => {
    const isQuoted = before.endsWith("'") && after.startsWith("'");
    return `${before}${isQuoted ? value.replace('+', '*') : value}${after}`;
  });
  return {
    pattern: new RegExp(`^${isEnding ? '([^]*)' : ''}${anyFirst(body)}\\.?$`),
    isShort: rank === 1 && length < FEWEST_LETTERS,
    ...{ places, chinese, isEnding, rank, length },
  };
}

/** The same text may begin a sentence, and end it with a full stop. */
function plain(text: string): string {
  return lowerFirst(text.replace(/(?<!\.)\.$/, ''));
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? `${text.charAt(0).toLowerCase()}${text.slice(1)}` : text;
}

/** A pattern whose first letter may be a capital one. */
function anyFirst(pattern: string): string {
  const first = pattern.charAt(0);
  return /[a-z]/.test(first) ? `[${first}${first.toUpperCase()}]${pattern.slice(1)}` : pattern;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
