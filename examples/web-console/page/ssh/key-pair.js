import { SshAlgorithms, BigInt as SshBigInt } from '@microsoft/dev-tunnels-ssh';
import { Buffer } from 'buffer';
import { Ed25519KeyPair } from './ed25519.js';

/**
 * The key pair that the ssh library takes.
 *
 * @param {JsonWebKey} secret a private key (RFC 7517): Ed25519, RSA, or ECDSA with P-256 or P-384
 */
export function keyPairFrom(secret) {
  return MAKERS[secret.kty](secret);
}

const MAKERS = {
  OKP: ({ x, d }) => Ed25519KeyPair.import(x, d),
  RSA: async ({ n, e, ...rest }) => {
    const [modulus, exponent] = [n, e].map(toNumber);
    const [d, p, q, dp, dq, qi] = ['d', 'p', 'q', 'dp', 'dq', 'qi'].map((name) => toNumber(rest[name]));
    const pair = SshAlgorithms.publicKey.rsaWithSha512.createKeyPair();
    await pair.importParameters({ modulus, exponent, d, p, q, dp, dq, qi });
    return pair;
  },
  EC: async ({ crv, x, y, d }) => {
    const { algorithm, ...curve } = CURVES[crv];
    const pair = algorithm.createKeyPair();
    await pair.importParameters({ curve, x: toNumber(x), y: toNumber(y), d: toNumber(d) });
    return pair;
  },
};

const { ecdsaSha2Nistp256, ecdsaSha2Nistp384 } = SshAlgorithms.publicKey;
/** The library looks for the name in a page, and for the OID in Node. */
const CURVES = {
  'P-256': { algorithm: ecdsaSha2Nistp256, name: 'nistp256', oid: '1.2.840.10045.3.1.7' },
  'P-384': { algorithm: ecdsaSha2Nistp384, name: 'nistp384', oid: '1.3.132.0.34' },
};

const toNumber = (text) => SshBigInt.fromBytes(Buffer.from(text, 'base64'), { unsigned: true });
