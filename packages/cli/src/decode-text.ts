/**
 * The text of a file in UTF-8, without the byte order mark that editors and shells of Windows put before it.
 * @throws Error with one line, when it is in UTF-16
 */
export function decodeText(bytes: Buffer): string {
  if (isUtf16(bytes)) throw new Error('it is in UTF-16; save it as UTF-8');
  return bytes.toString('utf8').replace(/^\ufeff/, '');
}

/** The longest mark that `decodeText` takes away, bytes. */
export const MARK_LENGTH = 3;

/** By its mark, or by the NUL that its first letter has without one: no file that is read here begins so otherwise. */
function isUtf16(bytes: Buffer): boolean {
  if (bytes.length < 2) return false;
  const [first, second] = [bytes.readUInt8(0), bytes.readUInt8(1)];
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || (first === 0) !== (second === 0);
}
