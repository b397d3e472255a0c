/** A unit of deploy/ for systemd whose program is started by these words, without what its head says of installing it. */
export function unitText(unit: string, words: readonly string[], more = ''): string {
  const made = unit
    .replace(/^(?:#.*\n)+\n/, '')
    .replace(/^ExecStart=.*$/m, () => `ExecStart=${words.map(systemdWord).join(' ')}${more}`);
  if (made === unit) throw new Error('a unit of deploy/ starts its program in another way now');
  return made;
}

/** A word of a command line as systemd takes it literally (systemd.service(5), COMMAND LINES). */
function systemdWord(word: string): string {
  const literal = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./:@=+%$-]+$/.test(literal) ? literal : `"${literal.replaceAll(/["\\]/g, '\\$&')}"`;
}
