import { CONTROL, DATA, decodeControl, encodeControl, encodeMessage, MessageReader } from '../../shared/messages.js';

/** Where the server of this page answers for containers. */
export const CONTAINER_HOST = 'exec.docker.wsproxy.invalid';

/** @returns {Promise<{ name: string, image: string, state: string, may: string[] }[]>} the containers of this user */
export async function listContainers({ readable, writable }) {
  const writer = writable.getWriter();
  await writer.write(encodeControl({ do: 'list' }));
  for await (const { bytes } of readMessages(readable)) {
    const { containers, error } = decodeControl(bytes);
    void writer.close().catch(() => {});
    if (error !== undefined) throw new Error(error);
    return containers;
  }
  throw new Error('The server gives no list of containers.');
}

/**
 * A console of a container.
 *
 * @param {{ readable: ReadableStream, writable: WritableStream }} channel
 * @param {{ do: 'exec' | 'attach' | 'logs', container: string, command?: string, columns: number, rows: number }} asked
 * @param {AbortSignal} givenUp nobody waits for the console any more
 * @param {(bytes: Uint8Array, taken: () => void) => void} onOutput as of an ssh shell
 */
export async function openContainerShell({ readable, writable }, asked, givenUp, onOutput) {
  const writer = writable.getWriter();
  const quietly = (promise) => void promise.catch(() => {});
  const close = () => quietly(writer.abort(new Error('The console was closed.')));
  givenUp.addEventListener('abort', close);
  if (givenUp.aborted) close();
  await writer.write(encodeControl(asked));
  const messages = readMessages(readable);
  const first = await messages.next();
  const begun = first.done ? { error: 'The server has closed the console.' } : decodeControl(first.value.bytes);
  // Or the channel would stay open, and count as a console.
  const end = () => quietly(writer.close());
  if (begun.error !== undefined) {
    end();
    throw new Error(begun.error);
  }
  return {
    isRecorded: begun.recorded,
    isTerminal: begun.isTerminal,
    ended: passOutput(messages, onOutput).finally(end),
    write: (bytes) => quietly(writer.write(encodeMessage(DATA, bytes))),
    resize: (to) => quietly(writer.write(encodeControl(to))),
    close,
  };
}

async function passOutput(messages, onOutput) {
  try {
    for await (const { kind, bytes } of messages) {
      if (kind !== CONTROL) {
        await new Promise((taken) => onOutput(bytes, taken));
        continue;
      }
      const { exit, error } = decodeControl(bytes);
      if (error !== undefined) return error;
      return exit === null ? 'The console has ended.' : `The command has ended with ${exit}.`;
    }
    return 'The server has closed the console.';
  } catch (error) {
    return `The connection is lost: ${error.message}`;
  }
}

async function* readMessages(readable) {
  const [reader, messages] = [readable.getReader(), new MessageReader()];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    yield* messages.take(value);
  }
}
