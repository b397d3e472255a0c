import { duplexPair } from 'node:stream';
import { CONTROL, DATA, decodeControl, encodeControl, encodeMessage, MessageReader } from '../shared/messages.js';
import { actionsOn } from './config.mjs';
import { EngineOutput } from './engine-output.mjs';
import { write } from './write.mjs';

/** Where a page asks for containers. No network leads there: the server itself answers. */
export const CONTAINER_HOST = 'exec.docker.wsproxy.invalid';

/** Bytes of a piece of output; messages are bounded. */
const PIECE = 64 * 1024;
/** Characters of a command: the log has the whole of each. */
const MOST_COMMAND = 4096;

/**
 * The service behind `CONTAINER_HOST`: each channel is one console, or one list of containers.
 *
 * @param {object} options
 * @param {import('./engine.mjs').Engine} options.engine
 * @param {(id: string) => object | undefined} options.findUser
 * @param {{ write(event: string, fields: object): void }} options.audit
 * @param {(about: object, size: object, onFailure: () => void) => Promise<object>} [options.record]
 * @returns {{ open(userId: string): import('node:stream').Duplex, applyRules(): void, ended(): Promise<void> }} `applyRules` ends
 *   consoles that the rules of their users allow no longer; `ended`: all that it had open is over
 */
export function createContainerService({ engine, findUser, audit, record }) {
  const running = new Set();
  /** What each console is about, by its connection to the engine. */
  const consoles = new Map();
  return {
    open(userId) {
      const [forServer, stream] = duplexPair();
      // Neither end destroys the other.
      forServer.once('close', () => stream.destroy());
      stream.once('close', () => forServer.destroy());
      const serving = serve(stream, userId)
        .catch(({ message }) => {
          if (stream.writable) stream.end(encodeControl({ error: message }));
        })
        .finally(() => running.delete(serving));
      running.add(serving);
      return forServer;
    },
    applyRules() {
      for (const [socket, about] of consoles) endIfForbidden(socket, about);
    },
    async ended() {
      await Promise.all(running);
    },
  };

  async function serve(stream, userId) {
    // It goes away with its page, which is no error of this server.
    stream.on('error', () => {});
    const messages = readMessages(stream);
    const gone = new AbortController();
    stream.once('close', () => gone.abort());
    try {
      await answer(stream, userId, messages, gone.signal);
    } finally {
      // What the page still says is read to its end, or the channel would stay open.
      void messages.return().then(() => stream.resume());
    }
  }

  async function answer(stream, userId, messages, gone) {
    const { value: first } = await messages.next();
    if (first?.kind !== CONTROL) throw new Error('The first message says what is asked.');
    const asked = decodeControl(first.bytes);
    const { command = '' } = asked;
    if (typeof command !== 'string' || command.length > MOST_COMMAND)
      throw new Error(`A command is text of up to ${MOST_COMMAND} characters.`);
    const user = findUser(userId);
    if (user === undefined) throw new Error('The user is unknown.');
    const allowed = (await engine.list(gone))
      .map((container) => ({ ...container, may: actionsOn(user, container.name) }))
      .filter(({ may }) => may.length > 0)
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    if (asked.do === 'list') {
      const containers = allowed.map(({ name, image, state, may }) => ({ name, image, state, may }));
      return void stream.end(encodeControl({ containers }));
    }
    const container = allowed.find(({ name, may }) => name === asked.container && may.includes(asked.do));
    const about = {
      user: userId,
      action: inLog(asked.do),
      container: inLog(asked.container),
      command: asked.command,
    };
    if (container === undefined) {
      audit.write('container refused', about);
      throw new Error(`You may not ${about.action} in a container of this name, or none of this name runs.`);
    }
    await runConsole(stream, messages, { container, asked, about, gone });
  }

  async function runConsole(stream, messages, { container, asked, about, gone }) {
    const size = sizeOf(asked);
    const hasHeads = asked.do !== 'exec' && !(await engine.hasTerminal(container.id, gone));
    // A console that is to be recorded does not go on without its file.
    const recording = await record?.(about, size, () => stream.destroy());
    const start = Date.now();
    const counts = { bytesUp: 0, bytesDown: 0 };
    audit.write('container opened', { ...about, recorded: recording?.path });
    let hangUp;
    let socket;
    try {
      const console = await begin(container.id, asked, gone);
      const { resize, exitCode } = console;
      ({ socket, hangUp } = console);
      // Reading and writing tell of an error; it must not end this program in between.
      socket.on('error', () => {});
      await console.ready;
      stream.once('close', () => socket.destroy());
      if (stream.destroyed) socket.destroy();
      consoles.set(socket, about);
      endIfForbidden(socket, about);
      stream.write(encodeControl({ recorded: recording !== undefined, isTerminal: !hasHeads }));
      // Without a terminal of its own there is none to set the size of.
      if (!hasHeads) await resize?.(size).catch(() => {});
      const input = passInput(messages, { socket, resize, recording, counts, isReadOnly: asked.do === 'logs' });
      input.catch(() => stream.destroy());
      await passOutput(socket, stream, { hasHeads, recording, counts });
      stream.end(encodeControl({ exit: (await exitCode?.().catch(() => null)) ?? null }));
    } finally {
      consoles.delete(socket);
      const notEnded = await hangUp?.().catch(({ message }) => message);
      await recording?.close();
      audit.write('container closed', { ...about, ...counts, durationMs: Date.now() - start, notEnded });
    }
  }

  /** The rules may have changed since it began. */
  function endIfForbidden(socket, { user, action, container }) {
    if (actionsOn(findUser(user) ?? {}, container).includes(action)) return;
    socket.destroy(new Error(`You may ${action} in a container of this name no longer.`));
  }

  function begin(id, { do: action, command = '' }, gone) {
    if (action === 'attach') return engine.attach(id, gone);
    if (action === 'logs') return engine.logs(id, gone);
    return engine.exec(id, command.trim() === '' ? 'exec /bin/sh' : command, gone);
  }
}

async function* readMessages(stream) {
  const reader = new MessageReader();
  // The other direction goes on after the end of this one.
  for await (const piece of stream.iterator({ destroyOnReturn: false })) yield* reader.take(piece);
}

async function passInput(messages, { socket, resize, recording, counts, isReadOnly }) {
  for await (const { kind, bytes } of messages) {
    if (kind === CONTROL) {
      const size = sizeOf(decodeControl(bytes));
      await recording?.resize(size);
      // A program that has just ended has no terminal any more.
      await resize?.(size).catch(() => {});
    } else if (kind === DATA && !isReadOnly) {
      counts.bytesUp += bytes.length;
      await write(socket, bytes);
    }
  }
  if (!isReadOnly) socket.end();
}

async function passOutput(socket, stream, { hasHeads, recording, counts }) {
  const output = hasHeads ? new EngineOutput() : { take: (bytes) => [{ kind: DATA, bytes }] };
  for await (const piece of socket) {
    for (const { kind, bytes } of output.take(piece)) {
      counts.bytesDown += bytes.length;
      await recording?.output(bytes);
      for (let at = 0; at < bytes.length; at += PIECE) {
        // A page that reads nothing does not put off the end of its console.
        await write(stream, encodeMessage(kind, bytes.subarray(at, at + PIECE)), socket);
      }
    }
  }
}

/** What a page says is shortened for the log. */
const inLog = (text) => (text === undefined ? undefined : String(text).slice(0, 4096));

/** Numbers of the page are not believed. */
function sizeOf({ columns, rows }) {
  const bound = (value, otherwise) => (Number.isInteger(value) && value > 0 && value <= 1000 ? value : otherwise);
  return { columns: bound(columns, 80), rows: bound(rows, 24) };
}
