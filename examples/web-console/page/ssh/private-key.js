import { SshAlgorithms, BigInt as SshBigInt, SshDataReader } from '@microsoft/dev-tunnels-ssh';
import { Buffer } from 'buffer';
import { Ed25519KeyPair } from './ed25519.js';

const MAGIC = 'openssh-key-v1\0';

/**
 * The key in a file as `ssh-keygen` writes it (PROTOCOL.key of OpenSSH): ed25519, RSA, or ECDSA with P-256 or P-384.
 *
 * @param {string} text
 * @throws {Error} with a sentence for the user
 */
export async function readPrivateKey(text) {
  const [, base64] = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text) ?? [];
  if (base64 === undefined) {
    throw new Error('This is not a private key of OpenSSH. `ssh-keygen -p -f FILE` writes an old one in that form.');
  }
  const bytes = Buffer.from(base64.replace(/\s/g, ''), 'base64');
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('The private key is damaged.');
  const file = new SshDataReader(bytes.subarray(MAGIC.length));
  const cipher = file.readString('ascii');
  if (cipher !== 'none') {
    throw new Error('Keys with a passphrase are not supported. Make a key in this page, or use a key without one.');
  }
  // The name and the options of the key's derivation: none.
  file.readBinary();
  file.readBinary();
  if (file.readUInt32() !== 1) throw new Error('The file has several keys.');
  file.readBinary();
  const secret = new SshDataReader(file.readBinary());
  const [check, again] = [secret.readUInt32(), secret.readUInt32()];
  if (check !== again) throw new Error('The private key is damaged.');
  const type = secret.readString('ascii');
  const read = READERS[type];
  if (read === undefined) throw new Error(`Keys of type ${type} are not supported.`);
  return read(secret);
}

const READERS = {
  'ssh-ed25519': async (secret) => {
    const publicBytes = secret.readBinary();
    return Ed25519KeyPair.import(publicBytes, secret.readBinary().subarray(0, 32));
  },
  'ssh-rsa': async (secret) => {
    const [modulus, exponent, d, qi, p, q] = Array.from({ length: 6 }, () => secret.readBigInt());
    const [dp, dq] = [p, q].map((prime) => fromBig(toBig(d) % (toBig(prime) - 1n)));
    const pair = SshAlgorithms.publicKey.rsaWithSha512.createKeyPair();
    await pair.importParameters({ modulus, exponent, d, p, q, dp, dq, qi });
    return pair;
  },
  'ecdsa-sha2-nistp256': (secret) => readEcdsa(secret, SshAlgorithms.publicKey.ecdsaSha2Nistp256, 32),
  'ecdsa-sha2-nistp384': (secret) => readEcdsa(secret, SshAlgorithms.publicKey.ecdsaSha2Nistp384, 48),
};

async function readEcdsa(secret, algorithm, size) {
  const name = secret.readString('ascii');
  const point = secret.readBinary();
  const [x, y] = [point.subarray(1, 1 + size), point.subarray(1 + size)].map(unsigned);
  const pair = algorithm.createKeyPair();
  await pair.importParameters({ curve: { name }, x, y, d: secret.readBigInt() });
  return pair;
}

const unsigned = (bytes) => SshBigInt.fromBytes(bytes, { unsigned: true });
const toBig = (number) => BigInt(`0x${number.toBytes({ unsigned: true }).toString('hex')}`);
const fromBig = (number) => {
  const hex = number.toString(16);
  return unsigned(Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex'));
};
