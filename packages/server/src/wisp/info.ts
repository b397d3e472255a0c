/** What an INFO packet of version 2 says: the version, and the extensions in their order. */
export interface Info {
  readonly major: number;
  readonly minor: number;
  readonly extensions: readonly InfoExtension[];
}

export interface InfoExtension {
  readonly id: number;
  readonly payload: Uint8Array;
}

export const Extension = { udp: 0x01, password: 0x02, motd: 0x04, openConfirmation: 0x05 } as const;

/** The version that this server speaks at most. */
export const MAJOR = 2;
const MINOR = 0;

export function encodeInfo(extensions: readonly InfoExtension[]): Buffer {
  const parts = extensions.map(({ id, payload }) => {
    const head = Buffer.alloc(EXTENSION_HEAD);
    head.writeUInt8(id, 0);
    head.writeUInt32LE(payload.length, 1);
    return Buffer.concat([head, payload]);
  });
  return Buffer.concat([Buffer.from([MAJOR, MINOR]), ...parts]);
}

/** Undefined for what is no payload of INFO. An extension that nobody knows is one all the same. */
export function decodeInfo(bytes: Uint8Array): Info | undefined {
  const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (payload.length < 2) return undefined;
  const extensions: InfoExtension[] = [];
  let at = 2;
  while (at < payload.length) {
    if (payload.length - at < EXTENSION_HEAD) return undefined;
    const end = at + EXTENSION_HEAD + payload.readUInt32LE(at + 1);
    if (end > payload.length) return undefined;
    extensions.push({ id: payload.readUInt8(at), payload: payload.subarray(at + EXTENSION_HEAD, end) });
    at = end;
  }
  return { major: payload.readUInt8(0), minor: payload.readUInt8(1), extensions };
}

/** The name and the password of extension 02; undefined for what is none. */
export function decodePassword(bytes: Uint8Array): Login | undefined {
  const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = payload[0];
  if (length === undefined) return undefined;
  // Clients of earlier drafts say how long the password is, too.
  const isEarlier = payload.length >= 3 + length && payload.readUInt16LE(1) === payload.length - 3 - length;
  const begin = isEarlier ? 3 : 1;
  if (payload.length < begin + length) return undefined;
  return {
    name: payload.toString('utf8', begin, begin + length),
    password: payload.toString('utf8', begin + length),
  };
}

export interface Login {
  readonly name: string;
  readonly password: string;
}

const EXTENSION_HEAD = 5;
