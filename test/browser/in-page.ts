import * as library from 'wsproxy-browser';
import { firstWrong, patternAt } from './pattern.js';

/** What a page of a test does, in the page. */
const all = {
  /** Makes the client of the page. */
  connect(at: string, token: string): void {
    const ticket = library.ticketFrom(`http://${at}/ticket`, { headers: { Authorization: `Bearer ${token}` } });
    globalThis.client = library.createClient({ url: `ws://${at}/`, ticket });
  },

  /** Sends a text by a connection of its own, and tells what comes back until its end. */
  async ask(port: number, text: string): Promise<string> {
    const { readable, writable, closed } = await globalThis.client.connect({ host: '127.0.0.1', port }).opened;
    const writer = writable.getWriter();
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
    const answer = await new Response(readable).text();
    await closed;
    return answer;
  },

  /** Opens a connection that stays, for `talk`. */
  async begin(port: number): Promise<void> {
    const { readable, writable } = await globalThis.client.connect({ host: '127.0.0.1', port }).opened;
    globalThis.kept = { reader: readable.getReader(), writer: writable.getWriter() };
  },

  /** Says a text by the connection that stays, and tells as many bytes of an answer. */
  async talk(text: string): Promise<string> {
    const { reader, writer } = globalThis.kept;
    await writer.write(new TextEncoder().encode(text));
    let answer = '';
    while (answer.length < text.length) {
      const { value, done } = await reader.read();
      if (done) throw new Error('it has ended');
      answer += new TextDecoder().decode(value);
    }
    return answer;
  },

  /** Sends so many bytes of the pattern, and checks what comes meanwhile; tells how much that was. */
  async exchange(port: number, length: number): Promise<number> {
    const { readable, writable } = await globalThis.client.connect({ host: '127.0.0.1', port }).opened;
    const send = async (): Promise<void> => {
      const writer = writable.getWriter();
      for (let sent = 0; sent < length; sent += PIECE) {
        await writer.ready;
        await writer.write(patternAt(sent, Math.min(PIECE, length - sent)) as Uint8Array<ArrayBuffer>);
      }
      await writer.close();
    };
    const receive = async (): Promise<number> => {
      let got = 0;
      for (const reader = readable.getReader(); ; ) {
        const { value, done } = await reader.read();
        if (done) return got;
        const wrong = firstWrong(value, got);
        if (wrong !== undefined) throw new Error(`a wrong byte at ${wrong}`);
        got += value.length;
      }
    };
    const [got] = await Promise.all([receive(), send()]);
    return got;
  },
};

declare global {
  var wsproxy: typeof library;
  var client: library.Client;
  var deeds: PageDeeds;
  var kept: {
    readonly reader: ReadableStreamDefaultReader<Uint8Array>;
    readonly writer: WritableStreamDefaultWriter<BufferSource>;
  };
}

export type PageDeeds = typeof all;

const PIECE = 65_536;

Object.assign(globalThis, { wsproxy: library, deeds: all });
