import { SshDataReader } from '@microsoft/dev-tunnels-ssh';
import { Buffer } from 'buffer';
import { KeyError } from './key-error.js';
import { decryptOpenSsh } from './openssh-cipher.js';

const MAGIC = 'openssh-key-v1\0';

/**
 * The key in a file as `ssh-keygen` writes it (PROTOCOL.key of OpenSSH).
 *
 * @param {Buffer} bytes
 * @param {() => Promise<Uint8Array>} askPassphrase
 * @returns {Promise<JsonWebKey>}
 */
export async function readOpenSshKey(bytes, askPassphrase) {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('There is no mark of a key.');
  const file = new SshDataReader(bytes.subarray(MAGIC.length));
  const [cipher, derivation] = [file.readString('ascii'), file.readString('ascii')];
  const options = file.readBinary();
  if (file.readUInt32() !== 1) throw new KeyError('The file has several keys.');
  // The public half.
  file.readBinary();
  const isEncrypted = cipher !== 'none';
  // The tag of a cipher that has one is behind the length.
  const written = { data: file.readBinary(), tag: file.read(file.available) };
  const plain = isEncrypted
    ? await decryptOpenSsh(written, { cipher, derivation, options }, askPassphrase)
    : written.data;
  const secret = new SshDataReader(plain);
  const [check, again] = [secret.readUInt32(), secret.readUInt32()];
  if (check !== again) {
    throw isEncrypted ? new KeyError('The passphrase is wrong.') : new Error('The two numbers differ.');
  }
  const type = secret.readString('ascii');
  if (!Object.hasOwn(READERS, type)) throw new KeyError(`Keys of type ${type} are not supported.`);
  return READERS[type](secret);
}

const READERS = {
  'ssh-ed25519': (secret) => {
    const x = base64url(secret.readBinary());
    return { kty: 'OKP', crv: 'Ed25519', x, d: base64url(secret.readBinary().subarray(0, 32)) };
  },
  'ssh-rsa': (secret) => {
    const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => readNumber(secret));
    const [dp, dq] = [p, q].map((prime) => fromBig(toBig(d) % (toBig(prime) - 1n)));
    const parameters = Object.entries({ n, e, d, p, q, dp, dq, qi }).map(([name, bytes]) => [name, base64url(bytes)]);
    return { kty: 'RSA', ...Object.fromEntries(parameters) };
  },
  'ecdsa-sha2-nistp256': (secret) => readEcdsa(secret, 'P-256', 32),
  'ecdsa-sha2-nistp384': (secret) => readEcdsa(secret, 'P-384', 48),
};

function readEcdsa(secret, crv, size) {
  // The name of the curve once more.
  secret.readBinary();
  const point = secret.readBinary();
  const [x, y] = [point.subarray(1, 1 + size), point.subarray(1 + size)].map(base64url);
  return { kty: 'EC', crv, x, y, d: base64url(readNumber(secret)) };
}

/** Bytes as a key in JSON has them (RFC 7515, 2). */
const base64url = (bytes) => bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const readNumber = (secret) => secret.readBigInt().toBytes({ unsigned: true });
const toBig = (bytes) => BigInt(`0x${bytes.toString('hex')}`);
const fromBig = (number) => {
  const hex = number.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
};
