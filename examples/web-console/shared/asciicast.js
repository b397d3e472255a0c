/** Makes the lines of a recording, asciicast v2 (https://docs.asciinema.org/manual/asciicast/v2/). */
export class Asciicast {
  #start;
  #decoder = new TextDecoder();

  /** @param {number} now ms since 1970 */
  constructor(now) {
    this.#start = now;
  }

  head({ columns, rows }, title) {
    const timestamp = Math.floor(this.#start / 1000);
    return `${JSON.stringify({ version: 2, width: columns, height: rows, timestamp, title })}\n`;
  }

  /** A character may be in two pieces: its first bytes wait for the others. */
  output(bytes, now) {
    return this.#line(now, 'o', this.#decoder.decode(bytes, { stream: true }));
  }

  resize({ columns, rows }, now) {
    return this.#line(now, 'r', `${columns}x${rows}`);
  }

  #line(now, kind, text) {
    return `${JSON.stringify([(now - this.#start) / 1000, kind, text])}\n`;
  }
}
