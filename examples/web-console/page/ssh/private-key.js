import { Buffer } from 'buffer';
import { KeyError } from './key-error.js';
import { keyPairFrom } from './key-pair.js';
import { readOpenSshKey } from './openssh-key.js';
import { readEncryptedPkcs8, readPkcs8 } from './pkcs8-key.js';

/**
 * The key in a file: ed25519, RSA, or ECDSA with P-256 or P-384.
 *
 * @param {string} text
 * @param {() => Promise<string | false>} askPassphrase called for a key that has one; false for a user who gives none
 * @throws {KeyError}
 */
export async function readPrivateKey(text, askPassphrase) {
  if (PUBLIC.test(text)) {
    throw new KeyError('This is the public half of the key. Choose the file of the same name without “.pub”.');
  }
  const [, kind, base64] = /-----BEGIN ([A-Z ]+)-----([\s\S]+?)-----END/.exec(text) ?? [];
  if (!Object.hasOwn(READERS, kind)) {
    throw new KeyError('The page cannot read this key. `ssh-keygen -p -f FILE` writes it again as OpenSSH has keys.');
  }
  try {
    const bytes = Buffer.from(base64.replace(/\s/g, ''), 'base64');
    return await keyPairFrom(await READERS[kind](bytes, () => passphraseFrom(askPassphrase)));
  } catch (error) {
    throw error instanceof KeyError ? error : new KeyError('The private key is damaged.', { cause: error });
  }
}

/** As OpenSSH writes public keys, in a line or in the form of RFC 4716, and as openssl does. */
const PUBLIC = /^\s*(ssh-|ecdsa-|sk-)\S+ AAAA|BEGIN ([A-Z0-9]+ )?PUBLIC KEY/;

const READERS = {
  'OPENSSH PRIVATE KEY': readOpenSshKey,
  'PRIVATE KEY': readPkcs8,
  'ENCRYPTED PRIVATE KEY': readEncryptedPkcs8,
};

async function passphraseFrom(ask) {
  const text = await ask();
  if (text === false) throw new KeyError('The key needs its passphrase.');
  return new TextEncoder().encode(text);
}
