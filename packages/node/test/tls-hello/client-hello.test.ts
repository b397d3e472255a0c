import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ClientHello, ClientHelloReader, MAX_CLIENT_HELLO } from '../../src/tls-hello/client-hello.js';
import { TlsError } from '../../src/tls-hello/tls-error.js';

/** What a real client sends first. */
async function helloFor(servername: string | undefined, ALPNProtocols: string[] = []): Promise<Buffer> {
  let sent: (hello: Buffer) => void = () => {};
  const hello = new Promise<Buffer>((resolve) => {
    sent = resolve;
  });
  const write = (chunk: Buffer, _encoding: string, done: () => void): void => {
    sent(chunk);
    done();
  };
  const wire = new Duplex({ read() {}, write });
  const socket = connect({ socket: wire, ALPNProtocols, ...(servername !== undefined && { servername }) });
  socket.on('error', () => {});
  const bytes = await hello;
  socket.destroy();
  await once(socket, 'close');
  return bytes;
}

function read(...chunks: readonly Buffer[]): ClientHello | undefined {
  const reader = new ClientHelloReader();
  for (const chunk of chunks) {
    const hello = reader.read(chunk);
    if (hello !== undefined) return hello;
  }
  return undefined;
}

/** Of a ClientHello that says no more than a name. */
const asking = (serverName: string | undefined): ClientHello => ({
  serverName,
  protocols: undefined,
  isEncrypted: false,
});

function alertOf(...chunks: readonly Buffer[]): string | undefined {
  try {
    read(...chunks);
    return undefined;
  } catch (error) {
    if (error instanceof TlsError) return error.alert;
    throw error;
  }
}

/** The same handshake in records of these sizes, the last one with the rest. */
function inRecords(hello: Buffer, sizes: readonly number[]): Buffer {
  let rest = hello.subarray(5);
  const records: Buffer[] = [];
  for (const size of [...sizes, rest.length]) {
    const content = rest.subarray(0, size);
    rest = rest.subarray(size);
    if (content.length > 0) records.push(Buffer.from([0x16, 3, 1, content.length >> 8, content.length & 255]), content);
  }
  return Buffer.concat(records);
}

function inPackets(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const packets: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    packets.push(bytes.subarray(at, at + size));
    at += size;
  }
  return packets;
}

const vector = (size: 1 | 2, content: Buffer): Buffer => {
  const length = Buffer.alloc(size);
  length.writeUIntBE(content.length, 0, size);
  return Buffer.concat([length, content]);
};
const extension = (type: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type >> 8, type & 255]), vector(2, content)]);
const serverNames = (...names: string[]): Buffer =>
  extension(
    0,
    vector(2, Buffer.concat(names.map((name) => Buffer.concat([Buffer.from([0]), vector(2, Buffer.from(name))])))),
  );

/** One by hand; without extensions there is not even their length. */
function craft(...extensions: readonly Buffer[]): Buffer {
  const tail = extensions.length === 0 ? [] : [vector(2, Buffer.concat(extensions))];
  const body = Buffer.concat([
    Buffer.alloc(34, 3),
    vector(1, Buffer.alloc(32)),
    vector(2, Buffer.alloc(4)),
    vector(1, Buffer.alloc(1)),
    ...tail,
  ]);
  const message = Buffer.concat([Buffer.from([1, 0, body.length >> 8, body.length & 255]), body]);
  return Buffer.concat([Buffer.from([0x16, 3, 1]), vector(2, message)]);
}

let hello: Buffer;
beforeAll(async () => {
  hello = await helloFor('db.example.org');
});

describe('the ClientHello of a real client', () => {
  test('tells the name that it asks for, or that it asks for none', async () => {
    expect(read(hello)).toEqual(asking('db.example.org'));
    expect(read(await helloFor(undefined))).toEqual(asking(undefined));
  });

  test('is read the same however it is cut into records and packets', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 40 });
    fc.assert(
      fc.property(sizes, sizes, (records, packets) => {
        expect(read(...inPackets(inRecords(hello, records), packets))).toEqual(asking('db.example.org'));
      }),
    );
    expect(
      read(
        ...inPackets(
          hello,
          hello.toJSON().data.map(() => 1),
        ),
      ),
    ).toEqual(asking('db.example.org'));
  });

  test('waits for its last byte, and takes no notice of what follows', () => {
    for (let end = 0; end < hello.length; end += 1) expect(read(hello.subarray(0, end))).toBeUndefined();
    expect(read(Buffer.concat([hello, Buffer.alloc(40_000)]))).toEqual(asking('db.example.org'));
  });

  test('changed anywhere is read, waited for, or refused by an alert, and never anything else', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(), (changes, cut) => {
        const bytes = Buffer.from(hello);
        for (const [place, value] of changes) bytes[place % bytes.length] = value;
        alertOf(bytes.subarray(0, cut % 4 === 0 ? cut % bytes.length : bytes.length));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a ClientHello', () => {
  test('says what it would speak, in its order', async () => {
    expect(read(await helloFor('a.org', ['h2', 'http/1.1']))?.protocols).toEqual(['h2', 'http/1.1']);
    const twice = extension(16, vector(2, Buffer.concat([vector(1, Buffer.from('x')), vector(1, Buffer.from('y'))])));
    expect(read(craft(twice))?.protocols).toEqual(['x', 'y']);
  });

  test.each([
    ['of nothing', Buffer.alloc(2)],
    ['with something behind it', Buffer.from([0, 2, 1, 0x78, 0])],
    ['that is cut', Buffer.from([0, 2, 2, 0x78])],
  ])('with a list of protocols %s is refused', (_what, content) => {
    expect(alertOf(craft(extension(16, content)))).toBe('decode_error');
  });

  test('tells that there is another in it, for the server alone', () => {
    expect(read(craft(extension(0xfe0d, Buffer.alloc(9))))?.isEncrypted).toBe(true);
  });

  test('may have no extensions', () => {
    expect(read(craft())).toEqual(asking(undefined));
    expect(read(craft(extension(10, Buffer.alloc(2))))).toEqual(asking(undefined));
  });

  test.each([
    ['two extensions of one type', [serverNames('a.org'), serverNames('b.org')], 'illegal_parameter'],
    ['two names', [serverNames('a.org', 'b.org')], 'illegal_parameter'],
    ['an empty name', [serverNames('')], 'decode_error'],
    ['an empty list of names', [extension(0, vector(2, Buffer.alloc(0)))], 'decode_error'],
    [
      'a list that ends early',
      [extension(0, Buffer.concat([serverNames('a.org').subarray(4), Buffer.alloc(1)]))],
      'decode_error',
    ],
    ['an extension longer than there is', [Buffer.from([0, 0, 0, 9, 0])], 'decode_error'],
  ])('with %s is refused', (_what, extensions, alert) => {
    expect(alertOf(craft(...extensions))).toBe(alert);
  });

  test.each([
    ['a request of HTTP', Buffer.from('GET / HTTP/1.1\r\n'), 'unexpected_message'],
    ['a record of another version', Buffer.from([0x16, 2, 0]), 'protocol_version'],
    ['an empty record', Buffer.from([0x16, 3, 1, 0, 0]), 'unexpected_message'],
    ['a record too long', Buffer.from([0x16, 3, 1, 0x40, 1]), 'record_overflow'],
    ['a ServerHello', Buffer.from([0x16, 3, 1, 0, 4, 2]), 'unexpected_message'],
    ['one of 16 MiB', Buffer.from([0x16, 3, 1, 0, 4, 1, 255, 255, 255]), 'decode_error'],
  ])('is not what begins with %s', (_what, bytes, alert) => {
    expect(alertOf(bytes)).toBe(alert);
  });

  test('is bounded with all its records around it', () => {
    const record = Buffer.from([0x16, 3, 1, 0, 1, 1]);
    const reader = new ClientHelloReader();
    let taken = 0;
    expect(() => {
      // Type 1, then a length of 0x010101 bytes: told as soon as that is known.
      for (;;) {
        reader.read(record);
        taken += record.length;
      }
    }).toThrow(TlsError);
    expect(taken).toBeLessThan(MAX_CLIENT_HELLO);
    const long = craft(extension(21, Buffer.alloc(16_000)));
    expect(read(...inPackets(long, [1_000]))).toEqual(asking(undefined));
    expect(
      alertOf(
        inRecords(
          long,
          Array.from({ length: 400 }, () => 40),
        ),
      ),
    ).toBe('decode_error');
  });
});

test('an alert is a record of its own', () => {
  expect(new TlsError('unrecognized_name').record.toString('hex')).toBe('1503030002' + '0270');
});
