/** English templates and their Chinese: `{1}`, `{2}` stand for values in both. */
export type Catalogue = Readonly<Record<string, string>>;

/**
 * What says an English text in Chinese. Values that are texts themselves are said in Chinese too; what the catalogue does
 * not know stays as it is.
 */
export function createTranslator(catalogue: Catalogue): (text: string) => string {
  return new Translator(catalogue).translate;
}

interface Template {
  readonly pattern: RegExp;
  /** The numbers of its places, in the order of the pattern. */
  readonly places: readonly string[];
  readonly chinese: string;
  /** It says the end of a text, and what is before it is another one. */
  readonly isEnding: boolean;
  /** Which one is tried first: the lowest. */
  readonly rank: number;
  /** Its own letters. */
  readonly length: number;
}

class Translator {
  readonly #texts = new Map<string, string>();
  readonly #templates: readonly Template[];

  constructor(catalogue: Catalogue) {
    const templates: Template[] = [];
    for (const [english, chinese] of Object.entries(catalogue)) {
      if (PLACES.test(english) || ENDING.test(english)) templates.push(templateOf(english, chinese));
      else this.#texts.set(plain(english), chinese);
    }
    this.#templates = templates.sort((a, b) => a.rank - b.rank || b.length - a.length);
  }

  readonly translate = (text: string): string => this.#whole(text, true) ?? this.#inParts(text);

  /** Of a value. One word is mostly a name that somebody has given. */
  #value(text: string): string {
    return this.#whole(text, /\s/.test(text)) ?? this.#inParts(text);
  }

  #whole(text: string, isText: boolean): string | undefined {
    const known = isText ? this.#texts.get(plain(text)) : undefined;
    if (known !== undefined) return known;
    let halfSaid: string | undefined;
    for (const { pattern, places, chinese, isEnding } of this.#templates) {
      const found = pattern.exec(text);
      if (found === null) continue;
      const [before = '', ...values] = isEnding ? found.slice(1) : ['', ...found.slice(1)];
      const apart = values.some((value) => value.includes('; ')) ? this.#apart(text) : undefined;
      if (apart !== undefined) return apart;
      const said = chinese.replaceAll(PLACE, (place, name) => {
        const value = values[places.indexOf(name)];
        return value === undefined ? place : this.#value(value);
      });
      const beginning = before === '' ? '' : this.#whole(before, true);
      if (beginning !== undefined) return `${beginning}${said}`;
      // Another template may know the whole.
      halfSaid ??= `${this.#inParts(before)}${said}`;
    }
    return halfSaid;
  }

  /** Two texts that are both known, where a value of the first one seems to go on: `nothing listens at x; start the server`. */
  #apart(text: string): string | undefined {
    for (const { index } of text.matchAll(/; /g)) {
      const [head, tail] = [text.slice(0, index), text.slice(index + 2)].map((part) =>
        this.#whole(part, /\s/.test(part)),
      );
      if (head !== undefined && tail !== undefined) return `${head}${MARKS[';']}${tail}`;
    }
    return undefined;
  }

  /** Texts that were put together: `listen: the port is in use; see ...`. */
  #inParts(text: string): string {
    const marks = [...text.matchAll(/[;:,] /g)].map(({ index }) => index);
    for (const at of marks.toReversed()) {
      const [before, after] = [text.slice(0, at), text.slice(at + 2)];
      const head = this.#whole(before, /\s/.test(before));
      if (head !== undefined) return `${head}${MARKS[text.charAt(at)]}${this.#value(after)}`;
    }
    for (const at of marks) {
      const rest = text.slice(at + 2);
      const tail = this.#value(rest);
      if (tail !== rest) return `${text.slice(0, at)}${MARKS[text.charAt(at)]}${tail}`;
    }
    return text;
  }
}

const PLACE = /\{(\d+|range)\}/g;
const PLACES = /\{(?:\d+|range)\}/;
const ENDING = /^[ ,;]/;
/** Endings that nothing else looks like are taken off first. */
const SURE_ENDING = /^(?:;| \(|\{1\}; )/;
const MARKS: Readonly<Record<string, string>> = { ';': '；', ':': '：', ',': '，' };
/** A template with fewer letters of its own takes values without a space only: anything could look like it. */
const FEWEST_LETTERS = 8;

function templateOf(english: string, chinese: string): Template {
  const places = [...english.matchAll(PLACE)].map(([, name = '']) => name);
  const own = plain(english).split(PLACES);
  const length = own.join('').replaceAll(/[^a-z]/gi, '').length;
  const isEnding = ENDING.test(english);
  const rank = SURE_ENDING.test(english) ? 0 : isEnding ? 2 : 1;
  const value = rank === 1 && length < FEWEST_LETTERS ? '(\\S+?)' : '([^]+?)';
  // In quotes there may be nothing.
  const body = own.map(escaped).reduce((before, after) => {
    const isQuoted = before.endsWith("'") && after.startsWith("'");
    return `${before}${isQuoted ? value.replace('+', '*') : value}${after}`;
  });
  return {
    pattern: new RegExp(`^${isEnding ? '([^]*)' : ''}${anyFirst(body)}\\.?$`),
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
