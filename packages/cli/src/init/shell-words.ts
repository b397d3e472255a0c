/** Words for a shell of POSIX, which takes each of them literally. */
export function shellWords(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:@=+%,~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}
