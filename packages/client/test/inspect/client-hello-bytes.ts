const vector = (size: 1 | 2, content: Buffer): Buffer => {
  const length = Buffer.alloc(size);
  length.writeUIntBE(content.length, 0, size);
  return Buffer.concat([length, content]);
};

/** A ClientHello (RFC 8446 section 4.1.2) with these extensions. */
export function clientHello({ name, protocols = [], isEncrypted = false }: HelloParts): Buffer {
  const extension = (type: number, content: Buffer): Buffer =>
    Buffer.concat([Buffer.from([type >> 8, type & 255]), vector(2, content)]);
  const extensions = [
    ...(name === undefined
      ? []
      : [extension(0, vector(2, Buffer.concat([Buffer.alloc(1), vector(2, Buffer.from(name))])))]),
    ...(protocols.length === 0
      ? []
      : [extension(16, vector(2, Buffer.concat(protocols.map((each) => vector(1, Buffer.from(each))))))]),
    ...(isEncrypted ? [extension(0xfe0d, Buffer.alloc(8))] : []),
  ];
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32),
    vector(1, Buffer.alloc(0)),
    vector(2, Buffer.from([0x13, 1])),
    vector(1, Buffer.alloc(1)),
    vector(2, Buffer.concat(extensions)),
  ]);
  const message = Buffer.concat([Buffer.from([1, 0]), vector(2, body)]);
  return Buffer.concat([Buffer.from([0x16, 3, 1]), vector(2, message)]);
}

interface HelloParts {
  readonly name?: string;
  readonly protocols?: readonly string[];
  readonly isEncrypted?: boolean;
}
