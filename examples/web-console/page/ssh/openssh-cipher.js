import { SshDataReader } from '@microsoft/dev-tunnels-ssh';
import { pbkdf } from 'bcrypt-pbkdf';
import { Buffer } from 'buffer';
import { KeyError } from './key-error.js';

/** How many bytes key and initial vector have. */
const CIPHERS = {
  'aes256-ctr': { name: 'AES-CTR', keyLength: 32, ivLength: 16 },
  'aes128-ctr': { name: 'AES-CTR', keyLength: 16, ivLength: 16 },
  'aes256-cbc': { name: 'AES-CBC', keyLength: 32, ivLength: 16 },
  'aes128-cbc': { name: 'AES-CBC', keyLength: 16, ivLength: 16 },
  'aes256-gcm@openssh.com': { name: 'AES-GCM', keyLength: 32, ivLength: 12 },
  'aes128-gcm@openssh.com': { name: 'AES-GCM', keyLength: 16, ivLength: 12 },
};
/** The page stands still for some 20 ms of each. `ssh-keygen` takes 24, or what its `-a` says. */
const MOST_ROUNDS = 1_000;

/**
 * The secret half of a key of OpenSSH, or other bytes if the passphrase is wrong.
 *
 * @param {{ data: Buffer, tag: Buffer }} written
 * @param {{ cipher: string, derivation: string, options: Buffer }} how
 * @param {() => Promise<Uint8Array>} askPassphrase
 */
export async function decryptOpenSsh({ data, tag }, { cipher, derivation, options }, askPassphrase) {
  if (!Object.hasOwn(CIPHERS, cipher) || derivation !== 'bcrypt') {
    throw new KeyError(`The page cannot decrypt ${cipher}. \`ssh-keygen -p -f FILE\` changes it to aes256-ctr.`);
  }
  const { name, keyLength, ivLength } = CIPHERS[cipher];
  const reader = new SshDataReader(options);
  const [salt, rounds] = [reader.readBinary(), reader.readUInt32()];
  if (rounds > MOST_ROUNDS) throw new KeyError(`The key has ${rounds} rounds. The page takes ${MOST_ROUNDS} at most.`);
  const passphrase = await askPassphrase();
  const derived = Buffer.alloc(keyLength + ivLength);
  if (pbkdf(passphrase, passphrase.length, salt, salt.length, derived, derived.length, rounds) !== 0) {
    throw new Error('No key can be derived.');
  }
  const key = await crypto.subtle.importKey('raw', derived.subarray(0, keyLength), name, false, ['encrypt', 'decrypt']);
  return Buffer.from(await DECRYPT[name](key, derived.subarray(keyLength), data, tag));
}

const DECRYPT = {
  'AES-CTR': (key, counter, data) => crypto.subtle.decrypt({ name: 'AES-CTR', counter, length: 128 }, key, data),
  async 'AES-CBC'(key, iv, data) {
    // OpenSSH has another padding than the browser, which is content with this block behind it.
    const padding = await crypto.subtle.encrypt({ name: 'AES-CBC', iv: data.subarray(-16) }, key, new Uint8Array());
    return crypto.subtle.decrypt({ name: 'AES-CBC', iv }, key, Buffer.concat([data, Buffer.from(padding)]));
  },
  async 'AES-GCM'(key, iv, data, tag) {
    try {
      return await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, Buffer.concat([data, tag]));
    } catch {
      throw new KeyError('The passphrase is wrong.');
    }
  },
};
