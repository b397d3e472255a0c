import { isSecretName, MASKED } from './secret-names.js';

/**
 * Masks the values that have secret names in JSON, however deep. It is no parser: text that was cut off, or several values one
 * after the other, are masked as far as they go, and all else stays as it is.
 */
export function maskJson(text: string): string {
  let shown = '';
  let copied = 0;
  const replace = (begin: number, end: number, by: string): void => {
    shown += text.slice(copied, begin) + by;
    copied = end;
  };
  const strings = new RegExp(STRING);
  for (let found = strings.exec(text); found !== null; found = strings.exec(text)) {
    const [quoted] = found;
    const begin = valueAfter(text, strings.lastIndex);
    if (begin === undefined) {
      const masked = maskWithin(quoted);
      if (masked !== quoted) replace(found.index, strings.lastIndex, masked);
    } else if (isSecretName(keyOf(quoted))) {
      strings.lastIndex = endOfValue(text, begin);
      replace(begin, strings.lastIndex, `"${MASKED}"`);
    }
  }
  return shown + text.slice(copied);
}

/** A string may be JSON itself. */
function maskWithin(quoted: string): string {
  if (!/^"\s*[[{]/.test(quoted)) return quoted;
  const text = contentOf(quoted);
  const masked = maskJson(text);
  return masked === text ? quoted : JSON.stringify(masked);
}

/** As far as it can be read: it may be cut off, also within an escape. */
function contentOf(quoted: string): string {
  for (const whole of [quoted, `${quoted}"`, `${quoted.replace(/\\(?:u[\da-f]{0,3})?$/i, '')}"`]) {
    try {
      return String(JSON.parse(whole));
    } catch {
      // The next one may be right.
    }
  }
  return '';
}

/** The last one may be cut off. */
const STRING = /"(?:[^"\\]|\\[\s\S])*"?/g;
const PRIMITIVE = /[^\s,\]}]*/y;

/** Where the value begins, if a colon follows a key that ends at `end`. */
function valueAfter(text: string, end: number): number | undefined {
  const colon = skipSpace(text, end);
  return text[colon] === ':' ? skipSpace(text, colon + 1) : undefined;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (' \t\r\n'.includes(text[at] ?? '-')) at += 1;
  return at;
}

function keyOf(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

/** Of an object and a list, their closing bracket. */
function endOfValue(text: string, begin: number): number {
  const first = text[begin];
  if (first === '"') return endOfString(text, begin);
  if (first !== '{' && first !== '[') {
    PRIMITIVE.lastIndex = begin;
    return begin + (PRIMITIVE.exec(text)?.[0].length ?? 0);
  }
  let depth = 0;
  for (let at = begin; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"') at = endOfString(text, at) - 1;
    else if (letter === '{' || letter === '[') depth += 1;
    else if ((letter === '}' || letter === ']') && --depth === 0) return at + 1;
  }
  return text.length;
}

function endOfString(text: string, begin: number): number {
  for (let at = begin + 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}
