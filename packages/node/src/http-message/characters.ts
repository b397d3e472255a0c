/** With a space for each control character (RFC 9110 section 5.5), but for the tab, which is white space. */
export function replaceControls(text: string): string {
  return text.replace(CONTROLS, ' ');
}

/** Without the spaces and tabs around it. `trim` would take bytes of UTF-8 for white space, and a RegExp long for it. */
export function trimSpace(text: string): string {
  let start = 0;
  while (isSpace(text.charCodeAt(start))) start += 1;
  return trimEndOf(text.slice(start), isSpace);
}

/** A line that was split off at a line feed. */
export function withoutCr(line: string): string {
  return trimEndOf(line, (code) => code === 0x0d);
}

function trimEndOf(text: string, is: (code: number) => boolean): string {
  let end = text.length;
  while (end > 0 && is(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const CONTROLS = /[\0-\x08\x0a-\x1f\x7f]/g;
