/** What the logs of both ends call a session: the first 8 hexadecimal characters of its id. */
export function sessionName(id: Uint8Array): string {
  return Array.from(id.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
