import { TlsError } from './tls-error.js';

/**
 * Reads the ClientHello that a TLS connection begins with (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2), however it is
 * sliced into records and packets: which server it asks for, and what it would speak. Nothing of it is changed or answered: anyone
 * who has the key does that.
 */
export class ClientHelloReader {
  readonly #header: Buffer = Buffer.alloc(RECORD_HEADER);
  #headerLength = 0;
  /** Bytes of the present record that are still to come. */
  #left = 0;
  #message: Buffer = Buffer.alloc(0);
  /** What was read, record headers included. */
  #bytes = 0;

  /**
   * Undefined when more is needed.
   * @throws TlsError for what is no ClientHello, or a longer one than can be taken
   */
  read(chunk: Buffer): ClientHello | undefined {
    let rest = chunk;
    while (rest.length > 0) {
      rest = this.#left === 0 ? this.#readHeader(rest) : this.#readContent(rest);
      const length = this.#messageLength;
      if (length !== undefined && this.#message.length >= length) {
        return parseClientHello(this.#message.subarray(MESSAGE_HEADER, length));
      }
    }
    return undefined;
  }

  #readHeader(chunk: Buffer): Buffer {
    const taken = this.#take(chunk, RECORD_HEADER - this.#headerLength);
    taken.copy(this.#header, this.#headerLength);
    this.#headerLength += taken.length;
    if (this.#header[0] !== HANDSHAKE) throw new TlsError('unexpected_message', 'it is no TLS handshake');
    if (this.#headerLength > 1 && this.#header[1] !== MAJOR_VERSION) throw new TlsError('protocol_version');
    if (this.#headerLength < RECORD_HEADER) return chunk.subarray(taken.length);
    this.#headerLength = 0;
    this.#left = this.#header.readUInt16BE(3);
    // RFC 8446 section 5.1: a handshake is never continued by nothing.
    if (this.#left === 0) throw new TlsError('unexpected_message', 'a record is empty');
    if (this.#left > MAX_RECORD) throw new TlsError('record_overflow');
    return chunk.subarray(taken.length);
  }

  #readContent(chunk: Buffer): Buffer {
    const taken = this.#take(chunk, this.#left);
    this.#left -= taken.length;
    this.#message = this.#message.length === 0 ? taken : Buffer.concat([this.#message, taken]);
    if (this.#message[0] !== CLIENT_HELLO) throw new TlsError('unexpected_message', 'it begins with no ClientHello');
    return chunk.subarray(taken.length);
  }

  #take(chunk: Buffer, most: number): Buffer {
    const taken = chunk.subarray(0, most);
    this.#bytes += taken.length;
    if (this.#bytes > MAX_CLIENT_HELLO) throw tooLong();
    return taken;
  }

  /** With its header; undefined while that is not there. */
  get #messageLength(): number | undefined {
    if (this.#message.length < MESSAGE_HEADER) return undefined;
    const length = MESSAGE_HEADER + this.#message.readUIntBE(1, 3);
    if (length > MAX_CLIENT_HELLO) throw tooLong();
    return length;
  }
}

export interface ClientHello {
  /** As it was sent (RFC 6066 section 3); undefined when none was. */
  readonly serverName: string | undefined;
  /** What it would speak (RFC 7301), best first; undefined when it does not say. */
  readonly protocols: readonly string[] | undefined;
  /** It has a second ClientHello in it for the eyes of the server alone (RFC 9849), or makes believe that it has. */
  readonly isEncrypted: boolean;
}

/** Bytes, with everything around it. The longest of today, with keys against quantum computers, have 2 KiB. */
export const MAX_CLIENT_HELLO = 16_384;

/** The first byte of a connection with TLS: the type of a handshake's record. */
export const HANDSHAKE = 0x16;

const RECORD_HEADER = 5;
const MAJOR_VERSION = 3;
/** RFC 8446 section 5.1. */
const MAX_RECORD = 16_384;
const CLIENT_HELLO = 1;
const MESSAGE_HEADER = 4;
const SERVER_NAME = 0;
const PROTOCOLS = 16;
const ENCRYPTED_HELLO = 0xfe0d;
const HOST_NAME = 0;

function tooLong(): TlsError {
  return new TlsError('decode_error', `the ClientHello is longer than ${MAX_CLIENT_HELLO} bytes`);
}

function parseClientHello(body: Buffer): ClientHello {
  const fields = new Fields(body);
  // Version and random.
  fields.skip(2 + 32);
  // The session, the cipher suites and the ways to compress.
  fields.vector(1);
  fields.vector(2);
  fields.vector(1);
  // TLS 1.2 knows a ClientHello without extensions.
  const extensions = fields.isAtEnd ? new Map<number, Buffer>() : readExtensions(new Fields(fields.vector(2)));
  if (!fields.isAtEnd) throw new TlsError('decode_error');
  const [serverName, protocols] = [extensions.get(SERVER_NAME), extensions.get(PROTOCOLS)];
  return {
    serverName: serverName && parseServerName(serverName),
    protocols: protocols && parseProtocols(protocols),
    isEncrypted: extensions.has(ENCRYPTED_HELLO),
  };
}

/** By their type. */
function readExtensions(extensions: Fields): ReadonlyMap<number, Buffer> {
  const seen = new Map<number, Buffer>();
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const content = extensions.vector(2);
    // RFC 8446 section 4.2. Of two names, who reads the second would be another than who is asked for the first.
    if (seen.has(type)) throw new TlsError('illegal_parameter', 'an extension is there twice');
    seen.set(type, content);
  }
  return seen;
}

/** RFC 7301 section 3.1. */
function parseProtocols(content: Buffer): readonly string[] {
  const extension = new Fields(content);
  const list = new Fields(extension.vector(2));
  if (!extension.isAtEnd || list.isAtEnd) throw new TlsError('decode_error');
  const protocols: string[] = [];
  while (!list.isAtEnd) protocols.push(list.vector(1).toString('latin1'));
  return protocols;
}

/** RFC 6066 section 3: a list, with one name of each kind at most. */
function parseServerName(content: Buffer): string | undefined {
  const extension = new Fields(content);
  const list = new Fields(extension.vector(2));
  if (!extension.isAtEnd || list.isAtEnd) throw new TlsError('decode_error');
  let hostName: string | undefined;
  while (!list.isAtEnd) {
    const kind = list.number(1);
    const name = list.vector(2);
    if (kind !== HOST_NAME) continue;
    if (hostName !== undefined) throw new TlsError('illegal_parameter', 'there are two server names');
    if (name.length === 0) throw new TlsError('decode_error');
    hostName = name.toString('latin1');
  }
  return hostName;
}

/** Reads one after the other; what is not there is an error. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  skip(length: number): void {
    this.#expect(length);
    this.#at += length;
  }

  /** Of so many bytes. */
  number(size: 1 | 2): number {
    this.#expect(size);
    const value = this.#bytes.readUIntBE(this.#at, size);
    this.#at += size;
    return value;
  }

  /** Its length, in so many bytes, and as much as that. */
  vector(size: 1 | 2): Buffer {
    const length = this.number(size);
    this.#expect(length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #expect(length: number): void {
    if (this.#at + length > this.#bytes.length) throw new TlsError('decode_error');
  }
}
