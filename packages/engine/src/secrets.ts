import { allocate } from './bytes.js';

/** The web's way to randomness that nobody can guess, which Node has as well. */
declare const crypto: { getRandomValues(bytes: Uint8Array): unknown };

/** So many bytes that nobody can guess. */
export function randomBytes(length: number): Uint8Array {
  const bytes = allocate(length);
  crypto.getRandomValues(bytes);
  return bytes;
}

/** Takes the same time no matter where they differ: how much of a guess is right is not to be measured. */
export function isSameSecret(known: Uint8Array, said: Uint8Array): boolean {
  let difference = known.length ^ said.length;
  for (let i = 0; i < said.length; i++) difference |= (known[i] ?? 0) ^ (said[i] as number);
  return difference === 0;
}
