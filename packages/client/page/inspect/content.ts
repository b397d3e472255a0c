/** How a body or a message can be shown. Pure, so that no browser is needed to test it. */
export function viewsOf({ text, base64 }: Content): readonly View[] {
  if (text === undefined && base64 === undefined) return [];
  const json = text === undefined ? undefined : indentJson(text);
  const readable: readonly (View | undefined)[] = [
    json === undefined ? undefined : { name: 'JSON', show: () => cut(json) },
    text === undefined ? undefined : { name: 'Text', show: () => cut(text) },
  ];
  return [
    ...readable.filter((view) => view !== undefined),
    { name: 'Hex', show: () => hexOf(text === undefined ? bytesOf(base64 ?? '') : new TextEncoder().encode(text)) },
  ];
}

export interface View {
  readonly name: 'JSON' | 'Text' | 'Hex';
  readonly show: () => string;
}

interface Content {
  readonly text?: string;
  readonly base64?: string;
}

/** A page with more of it answers slowly, characters. */
const MOST_SHOWN = 200_000;
const MOST_HEX = 16_384;
const ROW = 16;

/** Indented; undefined where it is no object or list of JSON. Numbers stay as they were written. */
export function indentJson(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text) || text.length > MOST_SHOWN) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  let depth = 0;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[^\s"{}[\],:]+|[{}[\],:]/g) ?? [];
  const line = (): string => `\n${'  '.repeat(depth)}`;
  return tokens
    .map((token, n) => {
      if (token === '{' || token === '[') {
        const isEmpty = tokens[n + 1] === '}' || tokens[n + 1] === ']';
        depth += 1;
        return isEmpty ? token : token + line();
      }
      if (token === '}' || token === ']') {
        depth -= 1;
        const isEmpty = tokens[n - 1] === '{' || tokens[n - 1] === '[';
        return isEmpty ? token : line() + token;
      }
      if (token === ',') return token + line();
      return token === ':' ? ': ' : token;
    })
    .join('');
}

/** Sixteen bytes a line: where they stand, in hexadecimal, and as letters. */
export function hexOf(bytes: Uint8Array): string {
  const rows: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, MOST_HEX); at += ROW) {
    const row = [...bytes.subarray(at, at + ROW)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const letters = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    rows.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(ROW * 3)} ${letters}`);
  }
  if (bytes.length > MOST_HEX) rows.push(`and ${bytes.length - MOST_HEX} bytes more`);
  return rows.join('\n');
}

function cut(text: string): string {
  if (text.length <= MOST_SHOWN) return text;
  return `${text.slice(0, MOST_SHOWN)}\nand ${text.length - MOST_SHOWN} characters more`;
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
