import { DerReader } from '@microsoft/dev-tunnels-ssh';
import { Buffer } from 'buffer';
import { KeyError } from './key-error.js';

const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const HASHES = { '1.2.840.113549.2.7': 'SHA-1', '1.2.840.113549.2.9': 'SHA-256', '1.2.840.113549.2.11': 'SHA-512' };
/** Of AES-CBC, bits. */
const KEY_LENGTHS = { '2.16.840.1.101.3.4.1.2': 128, '2.16.840.1.101.3.4.1.42': 256 };
const ELLIPTIC = '1.2.840.10045.2.1';
/** By type, and by curve where the type has several. */
const ALGORITHMS = {
  '1.2.840.113549.1.1.1': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' },
  '1.2.840.10045.3.1.7': { name: 'ECDSA', namedCurve: 'P-256' },
  '1.3.132.0.34': { name: 'ECDSA', namedCurve: 'P-384' },
  '1.3.101.112': { name: 'Ed25519' },
};

/**
 * The key in a file of PKCS #8 (RFC 5208).
 *
 * @param {Buffer} bytes
 * @returns {Promise<JsonWebKey>}
 */
export async function readPkcs8(bytes) {
  const key = new DerReader(bytes);
  // The version.
  key.readInteger();
  const kind = key.readSequence();
  const type = kind.readObjectIdentifier();
  const algorithm = ALGORITHMS[type === ELLIPTIC ? kind.readObjectIdentifier() : type];
  if (algorithm === undefined) throw new KeyError('Keys of this type are not supported.');
  return crypto.subtle.exportKey('jwk', await crypto.subtle.importKey('pkcs8', bytes, algorithm, true, ['sign']));
}

/**
 * The same with a passphrase (PBES2 of RFC 8018, A.4).
 *
 * @param {Buffer} bytes
 * @param {() => Promise<Uint8Array>} askPassphrase
 * @returns {Promise<JsonWebKey>}
 */
export async function readEncryptedPkcs8(bytes, askPassphrase) {
  const file = new DerReader(bytes);
  const { derivation, length, iv } = readEncryption(file.readSequence());
  const data = file.readOctetString();
  const secret = await crypto.subtle.importKey('raw', await askPassphrase(), 'PBKDF2', false, ['deriveKey']);
  const key = await crypto.subtle.deriveKey(derivation, secret, { name: 'AES-CBC', length }, false, ['decrypt']);
  try {
    return await readPkcs8(Buffer.from(await crypto.subtle.decrypt({ name: 'AES-CBC', iv }, key, data)));
  } catch (error) {
    throw error instanceof KeyError ? error : new KeyError('The passphrase is wrong.');
  }
}

function readEncryption(algorithm) {
  demand(algorithm.readObjectIdentifier() === PBES2);
  const parameters = algorithm.readSequence();
  const [derivation, cipher] = [parameters.readSequence(), parameters.readSequence()];
  demand(derivation.readObjectIdentifier() === PBKDF2);
  const length = KEY_LENGTHS[cipher.readObjectIdentifier()];
  demand(length !== undefined);
  return { derivation: readDerivation(derivation.readSequence()), length, iv: cipher.readOctetString() };
}

function readDerivation(parameters) {
  const [salt, iterations] = [parameters.readOctetString(), parameters.readInteger().toInt32()];
  // The length of the key, which the cipher tells too.
  if (parameters.available > 0 && parameters.peek() === INTEGER) parameters.readInteger();
  const hash = parameters.available > 0 ? HASHES[parameters.readSequence().readObjectIdentifier()] : 'SHA-1';
  demand(hash !== undefined);
  return { name: 'PBKDF2', salt, iterations, hash };
}

const INTEGER = 2;

function demand(isKnown) {
  if (isKnown) return;
  throw new KeyError('The page cannot decrypt this key. `ssh-keygen -p -f FILE` writes it again as OpenSSH has keys.');
}
