// What a page and the container service say to each other on a channel: messages of a kind (u8), a length (u32) and so many bytes.

/** Bytes of the console, both ways. */
export const DATA = 0;
/** JSON: what is asked, what came of it, another size. */
export const CONTROL = 1;
/** Bytes that the program in the container wrote to its standard error. */
export const ERROR_DATA = 2;

const HEAD = 5;
/** A longer message is a mistake, or worse. */
const MAX_LENGTH = 1024 * 1024;

/** @returns {Uint8Array} */
export function encodeMessage(kind, bytes) {
  const message = new Uint8Array(HEAD + bytes.length);
  message[0] = kind;
  new DataView(message.buffer).setUint32(1, bytes.length);
  message.set(bytes, HEAD);
  return message;
}

export const encodeControl = (value) => encodeMessage(CONTROL, new TextEncoder().encode(JSON.stringify(value)));
export const decodeControl = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

/** Finds the messages in pieces as they come. */
export class MessageReader {
  #rest = new Uint8Array(0);

  /** @returns {{ kind: number, bytes: Uint8Array }[]} the messages that are whole by now */
  take(piece) {
    let all = new Uint8Array(this.#rest.length + piece.length);
    all.set(this.#rest);
    all.set(piece, this.#rest.length);
    const messages = [];
    while (all.length >= HEAD) {
      const length = new DataView(all.buffer, all.byteOffset).getUint32(1);
      if (length > MAX_LENGTH) throw new Error('The message is too long.');
      if (all.length < HEAD + length) break;
      messages.push({ kind: all[0], bytes: all.subarray(HEAD, HEAD + length) });
      all = all.subarray(HEAD + length);
    }
    this.#rest = all;
    return messages;
  }
}
