/**
 * Control and format characters (ANSI escapes, C1, bidirectional overrides, zero widths), what else is drawn as nothing
 * (fillers, variation selectors), line separators, lone surrogates.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Makes text from outside safe to show: one line, no character that moves the cursor, hides or reorders others; such a
 * character becomes `\u000a`. At most `limit` UTF-16 units are kept; a cut is marked with an ellipsis.
 */
export function escapeText(text: string, limit = 256): string {
  // Cut twice: what is dropped costs no work, and the escapes count as well.
  const escaped = text.slice(0, limit + 1).replace(UNSAFE, escapeCharacter);
  // The cut must leave no half of a character.
  return escaped.length <= limit ? escaped : `${escaped.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** JSON for people and programs alike: the same characters are escaped in its texts, which then still read the same. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(UNSAFE, (character) =>
    character === '\n' ? character : escapeCharacter(character),
  );
}

function escapeCharacter(character: string): string {
  return [...Array(character.length).keys()]
    .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('');
}
