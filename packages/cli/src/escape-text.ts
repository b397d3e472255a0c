/** Control and format characters (ANSI escapes, bidirectional overrides, zero widths), line separators, lone surrogates. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Makes text from outside safe to show: one line, no character that moves the cursor, hides or reorders others; such a
 * character becomes `\u000a`. At most `limit` UTF-16 units are kept; a cut is marked with an ellipsis.
 */
export function escapeText(text: string, limit = 256): string {
  // Cut twice: what is dropped costs no work, and the escapes count as well.
  const escaped = text.slice(0, limit + 1).replace(UNSAFE, escapeCharacter);
  return escaped.length <= limit ? escaped : `${escaped.slice(0, limit - 1)}…`;
}

function escapeCharacter(character: string): string {
  return [...Array(character.length).keys()]
    .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('');
}
