import type { Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';
import { listen } from '../sockets/listen.js';

/** Of the wire protocol: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/ */
const [OP_REPLY, OP_QUERY, OP_MSG] = [1, 2004, 2013];
const HEADER = 16;

/**
 * What stands for a MongoDB server, which Debian does not have: it speaks as much of the wire protocol as the real driver
 * needs to connect, to insert into one collection and to read it.
 */
export async function startMongoStandIn(): Promise<number> {
  const documents: Document[] = [];
  const { port } = await listen((socket) => {
    socket.on('error', () => {});
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= HEADER && bytes.length >= bytes.readInt32LE(0)) {
        const length = bytes.readInt32LE(0);
        answer(socket, bytes.subarray(0, length), documents);
        bytes = bytes.subarray(length);
      }
    });
  });
  return port;
}

function answer(socket: Socket, message: Buffer, documents: Document[]): void {
  const [id, kind] = [message.readInt32LE(4), message.readInt32LE(12)];
  if (kind === OP_QUERY) {
    // Flags, the name of the collection with a NUL, how many to skip and to return, then the command.
    const command = BSON.deserialize(message.subarray(message.indexOf(0, HEADER + 4) + 9));
    const body = Buffer.from(BSON.serialize(perform(command, documents)));
    // Flags, cursor, where it begins, one document.
    const head = Buffer.alloc(20);
    head.writeInt32LE(1, 16);
    return send(socket, OP_REPLY, id, Buffer.concat([head, body]));
  }
  if (kind !== OP_MSG) throw new Error(`the stand-in does not know messages of kind ${kind}`);
  const body = Buffer.from(BSON.serialize(perform(commandOf(message.subarray(HEADER + 4)), documents)));
  send(socket, OP_MSG, id, Buffer.concat([Buffer.alloc(5), body]));
}

/** Sections: of kind 0, the command; of kind 1, a list of documents that is one of its fields. */
function commandOf(sections: Buffer): Document {
  const command: Document = {};
  for (let at = 0; at < sections.length; ) {
    const length = sections.readInt32LE(at + 1);
    const section = sections.subarray(at + 1, at + 1 + length);
    if (sections[at] === 0) Object.assign(command, BSON.deserialize(section));
    else {
      const end = section.indexOf(0, 4);
      command[section.toString('utf8', 4, end)] = documentsIn(section.subarray(end + 1));
    }
    at += 1 + length;
  }
  return command;
}

function documentsIn(bytes: Buffer): Document[] {
  const found: Document[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + bytes.readInt32LE(at);
    found.push(BSON.deserialize(bytes.subarray(at, end)));
    at = end;
  }
  return found;
}

function perform(command: Document, documents: Document[]): Document {
  const [name] = Object.keys(command);
  switch (name?.toLowerCase()) {
    case 'hello':
    case 'ismaster':
      return {
        ok: 1,
        ...{ isWritablePrimary: true, ismaster: true, helloOk: true, minWireVersion: 0, maxWireVersion: 21 },
        ...{ maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000 },
      };
    case 'insert':
      documents.push(...(command['documents'] as Document[]));
      return { ok: 1, n: (command['documents'] as Document[]).length };
    case 'find':
      return { ok: 1, cursor: { id: 0n, ns: `${command['$db']}.${command['find']}`, firstBatch: documents } };
    case 'ping':
    case 'endsessions':
      return { ok: 1 };
    default:
      return { ok: 0, code: 59, codeName: 'CommandNotFound', errmsg: `no such command: ${name}` };
  }
}

function send(socket: Socket, kind: number, to: number, body: Buffer): void {
  const head = Buffer.alloc(HEADER);
  head.writeInt32LE(HEADER + body.length, 0);
  head.writeInt32LE(to, 8);
  head.writeInt32LE(kind, 12);
  socket.write(Buffer.concat([head, body]));
}
