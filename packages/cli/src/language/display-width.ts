/** Columns that a text has on a terminal: a Chinese character or mark has two. */
export function displayWidth(text: string): number {
  return text.length + (text.match(WIDE)?.length ?? 0);
}

/** `padEnd`, by columns. */
export function padColumns(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

/** Breaks a text into lines of at most `width` columns: at a space, and around each Chinese character. */
export function wrapColumns(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => wrapLine(line, width))
    .join('\n');
}

function wrapLine(line: string, width: number): string {
  const lines: string[] = [];
  let current = '';
  for (const chunk of line.match(CHUNK) ?? []) {
    if (current === '' || displayWidth(current) + displayWidth(chunk) <= width) current += chunk;
    else {
      lines.push(current);
      current = chunk.trimStart();
    }
  }
  return [...lines, current].join('\n');
}

/** Of the catalogue, which has no others: Unicode's East Asian Width calls them W and F. */
const WIDE = /[\u2e80-\u9fff\uff01-\uff60]/g;
/** What stays together: a word, or a Chinese character, with the marks that no line may end or begin with. */
const CHUNK = /\s*[（《“]*(?:[^\s\u2e80-\u9fff\uff01-\uff60]+|[\u2e80-\u9fff\uff01-\uff60])[，。、；：！？）》”]*/g;
