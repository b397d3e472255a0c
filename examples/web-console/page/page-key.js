import { database } from './database.js';
import { Ed25519KeyPair } from './ssh/ed25519.js';

/** The key of this browser, made at the first use. Its private half can sign, and nobody can read it. */
export async function pageKey() {
  const kept = await database.get('page-key', 'ed25519');
  if (kept !== undefined) return new Ed25519KeyPair(kept);
  const pair = await Ed25519KeyPair.generate();
  await database.set('page-key', 'ed25519', { publicKey: pair.publicKey, privateKey: pair.privateKey });
  return pair;
}
