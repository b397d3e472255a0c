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

/** Finds the messages in pieces as they come. However small these are, no byte is copied more than a few times. */
export class MessageReader {
  #buffer = new Uint8Array(0);
  /** So many bytes at the start of the buffer are no whole message yet. */
  #length = 0;

  /** @returns {{ kind: number, bytes: Uint8Array }[]} the messages that are whole by now */
  take(piece) {
    this.#append(piece);
    const messages = [];
    let at = 0;
    while (this.#length - at >= HEAD) {
      const length = new DataView(this.#buffer.buffer).getUint32(at + 1);
      if (length > MAX_LENGTH) throw new Error('The message is too long.');
      const end = at + HEAD + length;
      if (this.#length < end) break;
      messages.push({ kind: this.#buffer[at], bytes: this.#buffer.slice(at + HEAD, end) });
      at = end;
    }
    this.#drop(at);
    return messages;
  }

  #append(piece) {
    const length = this.#length + piece.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#length));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#length);
    this.#length = length;
  }

  #drop(count) {
    this.#length -= count;
    // A console that says nothing holds nothing.
    if (this.#length === 0) this.#buffer = new Uint8Array(0);
    else if (count > 0) this.#buffer.copyWithin(0, count, count + this.#length);
  }
}
