/**
 * Takes the messages of a stream in a page, as `receivePushes` of wsproxy-client does in a program: one after the other, each once and
 * in order. "On a channel", at the end of docs/push.md, says what goes over it.
 *
 * @param {import('wsproxy-browser').Client} client
 * @param {string} stream
 * @param {(message: string, position: { epoch: string, number: number }) => void | Promise<void>} handler
 * @param {() => { epoch: string, number: number } | undefined} position of the last message that is finished
 */
export function receivePushes(client, stream, handler, position) {
  // A message that was begun is finished before another channel brings one.
  let turn = Promise.resolve();
  let current;

  client.onIncoming(`push/${stream}`, (connection) => {
    // The sender has given up the one before.
    current?.close();
    current = connection;
    turn = turn.then(() => read(connection));
  });

  /** Until the connection is lost, which is no error: the sender calls again. */
  async function read(connection) {
    const answers = connection.writable.getWriter();
    try {
      let next;
      for await (const record of readRecords(connection.readable)) {
        if (next === undefined) {
          next = decodeBeginning(record);
          continue;
        }
        if (!isFinished(next)) await handler(new TextDecoder().decode(record), next);
        await answers.write(encodeNumber(next.number));
        next = { ...next, number: next.number + 1 };
      }
    } catch {
    } finally {
      connection.close();
    }
  }

  function isFinished({ epoch, number }) {
    const last = position();
    return last?.epoch === epoch && number <= last.number;
  }
}

const LONGEST = 16 * 1024 * 1024;

/** A length (u32) is in front of each record. */
async function* readRecords(readable) {
  const reader = readable.getReader();
  let rest = new Uint8Array(0);
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const all = new Uint8Array(rest.length + value.length);
    all.set(rest);
    all.set(value, rest.length);
    rest = all;
    for (let length = lengthOf(rest); length !== undefined && rest.length >= 4 + length; length = lengthOf(rest)) {
      yield rest.subarray(4, 4 + length);
      rest = rest.subarray(4 + length);
    }
  }
}

function lengthOf(bytes) {
  if (bytes.length < 4) return undefined;
  const length = viewOf(bytes).getUint32(0);
  if (length > LONGEST) throw new RangeError('a record that is too long');
  return length;
}

function decodeBeginning(record) {
  const epoch = Array.from(record.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return { epoch, number: Number(viewOf(record).getBigUint64(8)) };
}

function encodeNumber(number) {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, BigInt(number));
  return bytes;
}

const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
