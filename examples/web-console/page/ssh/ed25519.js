import { PublicKeyAlgorithm, SshDataReader, SshDataWriter } from '@microsoft/dev-tunnels-ssh';
import { Buffer } from 'buffer';

const NAME = 'ssh-ed25519';

/** Keys and signatures of ssh-ed25519 (RFC 8709), which the ssh library does not have, by those of the browser. */
export class Ed25519 extends PublicKeyAlgorithm {
  constructor() {
    // The hash is inside the signature.
    super(NAME, NAME, 'SHA2-512');
  }

  createKeyPair() {
    return new Ed25519KeyPair();
  }

  async generateKeyPair() {
    return Ed25519KeyPair.generate();
  }

  createSigner({ privateKey }) {
    return {
      digestLength: 64,
      sign: async (data) => Buffer.from(await crypto.subtle.sign('Ed25519', privateKey, data)),
      dispose() {},
    };
  }

  createVerifier({ publicKey }) {
    return {
      digestLength: 64,
      verify: (data, signature) => crypto.subtle.verify('Ed25519', publicKey, signature, data),
      dispose() {},
    };
  }
}

/** One such key; of a server only its public half. */
export class Ed25519KeyPair {
  keyAlgorithmName = NAME;
  comment = null;
  /** @type {CryptoKey | undefined} */
  publicKey;
  /** @type {CryptoKey | undefined} */
  privateKey;

  constructor({ publicKey, privateKey } = {}) {
    this.publicKey = publicKey;
    this.privateKey = privateKey;
  }

  /** A new key whose private half nobody can read, this page included. */
  static async generate() {
    return new Ed25519KeyPair(await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']));
  }

  /** The key with this public half and this seed, both as JSON has them (RFC 8037). */
  static async import(x, d) {
    const half = { kty: 'OKP', crv: 'Ed25519', x };
    const privateKey = await crypto.subtle.importKey('jwk', { ...half, d }, 'Ed25519', false, ['sign']);
    const publicKey = await crypto.subtle.importKey('jwk', half, 'Ed25519', true, ['verify']);
    return new Ed25519KeyPair({ publicKey, privateKey });
  }

  get hasPublicKey() {
    return this.publicKey !== undefined;
  }

  get hasPrivateKey() {
    return this.privateKey !== undefined;
  }

  async setPublicKeyBytes(bytes) {
    const reader = new SshDataReader(bytes);
    const name = reader.readString('ascii');
    if (name !== NAME) throw new Error(`The key is of ${name}, not of ${NAME}.`);
    this.publicKey = await importPublic(reader.readBinary());
  }

  async getPublicKeyBytes() {
    if (this.publicKey === undefined) return null;
    const writer = new SshDataWriter(Buffer.alloc(64));
    writer.writeString(NAME, 'ascii');
    writer.writeBinary(Buffer.from(await crypto.subtle.exportKey('raw', this.publicKey)));
    return writer.toBuffer();
  }

  dispose() {}
}

const importPublic = (bytes) => crypto.subtle.importKey('raw', bytes, 'Ed25519', true, ['verify']);
