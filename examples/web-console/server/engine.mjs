import { request } from 'node:http';
import { json, text } from 'node:stream/consumers';
import { takeNumber } from './take-number.mjs';

/** As old as Docker 20.10, and Podman 3. */
const VERSION = '/v1.41';
/** Tells which process it is, and becomes the command. */
const TOLD = ['/bin/sh', '-c', 'echo $$; exec /bin/sh -c "$1"', 'sh'];

/** What of the Docker Engine API a console needs, over its Unix socket. A `signal` gives up to wait for an answer. */
export class Engine {
  #socketPath;
  #timeout;

  /**
   * @param {string} socketPath
   * @param {number} timeout how long an answer may take, ms
   */
  constructor(socketPath, timeout = 30_000) {
    this.#socketPath = socketPath;
    this.#timeout = timeout;
  }

  /** Containers that run, and have a name. */
  async list(signal) {
    const all = await this.#ask('GET', '/containers/json', undefined, signal);
    return all
      .map(({ Id, Names, Image, State }) => ({ id: Id, name: ownNameOf(Names), image: Image, state: State }))
      .filter(({ name }) => name !== undefined);
  }

  /** Whether the container's own program has a terminal: then its output has no heads. */
  async hasTerminal(id, signal) {
    return (await this.#ask('GET', `/containers/${id}/json`, undefined, signal)).Config.Tty === true;
  }

  /**
   * Runs a command of the shell in a terminal inside a container. Once it is `ready` it may be typed to. `hangUp` ends it as the loss of a
   * terminal does, if it still runs.
   */
  async exec(id, command, signal) {
    const options = {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
      Env: ['TERM=xterm-256color'],
      Cmd: [...TOLD, command],
    };
    const path = await this.#createExec(id, options, signal);
    // Nothing gives this up but time: a command that has started is to be ended.
    const socket = await this.#upgrade(`${path}/start`, { Detach: false, Tty: true });
    const process = this.#inTime(undefined, async (late) => {
      late.addEventListener('abort', () => socket.destroy());
      const number = await takeNumber(socket);
      late.throwIfAborted();
      return number;
    });
    return {
      socket,
      ready: process,
      resize: ({ columns, rows }) => this.#ask('POST', `${path}/resize?h=${rows}&w=${columns}`),
      exitCode: async () => (await this.#ask('GET', `${path}/json`)).ExitCode,
      hangUp: async () => {
        const [number, { Running }] = [await process, await this.#ask('GET', `${path}/json`)];
        if (number !== undefined && Running) await this.#hangUp(id, number);
      },
    };
  }

  /** The API has no such request: another command does it. The system tells the other processes of the terminal. */
  async #hangUp(id, process) {
    const path = await this.#createExec(id, { Cmd: ['/bin/sh', '-c', `kill -s HUP ${process}`] });
    await this.#ask('POST', `${path}/start`, { Detach: true });
  }

  async #createExec(id, options, signal) {
    const { Id } = await this.#ask('POST', `/containers/${id}/exec`, options, signal);
    return `/exec/${Id}`;
  }

  /** Input and output of the container's own program. */
  async attach(id, signal) {
    return {
      socket: await this.#upgrade(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`, undefined, signal),
      resize: ({ columns, rows }) => this.#ask('POST', `/containers/${id}/resize?h=${rows}&w=${columns}`),
    };
  }

  /** What the container's own program has written, and goes on to write. */
  async logs(id, signal) {
    const path = `/containers/${id}/logs?follow=1&stdout=1&stderr=1&tail=1000`;
    return { socket: await this.#inTime(signal, (until) => this.#send('GET', path, undefined, until)) };
  }

  #ask(method, path, body, signal) {
    return this.#inTime(signal, async (until) => {
      const response = await this.#send(method, path, body, until);
      // A change of size answers with no JSON.
      return response.headers['content-type']?.startsWith('application/json') ? json(response) : void response.resume();
    });
  }

  async #send(method, path, body, signal) {
    const response = await this.#request({ method, path, signal }, body);
    if (response.statusCode < 300) return response;
    throw new Error(`The container engine answers ${response.statusCode}: ${await reasonOf(response)}`);
  }

  #upgrade(path, body, signal) {
    const headers = { Connection: 'Upgrade', Upgrade: 'tcp' };
    return this.#inTime(signal, async (until) => {
      const answer = await this.#request({ method: 'POST', path, headers, signal: until }, body);
      if (answer.upgraded !== undefined) return answer.upgraded;
      throw new Error(`The container engine answers ${answer.statusCode}: ${await reasonOf(answer)}`);
    });
  }

  #request({ method, path, headers, signal }, body) {
    const data = body === undefined ? '' : JSON.stringify(body);
    const head = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(data), ...headers };
    const where = { socketPath: this.#socketPath, path: VERSION + path, agent: false };
    return new Promise((resolve, reject) => {
      const sent = request({ ...where, method, headers: head, signal });
      sent.once('response', resolve);
      sent.once('upgrade', (_response, socket, first) => {
        if (first.length > 0) socket.unshift(first);
        resolve({ upgraded: socket });
      });
      sent.once('error', ({ message }) => reject(new Error(`The container engine does not answer: ${message}`)));
      sent.end(data);
    });
  }

  /** Calls `act` with a signal that comes when the time is over, or with the other one. */
  async #inTime(signal, act) {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.#timeout);
    try {
      return await act(signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]));
    } catch (error) {
      if (late.signal.aborted) throw new Error(`The container engine gives no answer for ${this.#timeout / 1000} s.`);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** `/web-1`; of the container that has a link to it Docker gives it another name, `/web-1/db`. */
function ownNameOf(names) {
  return names?.map((name) => name.replace(/^\//, '')).find((name) => !name.includes('/'));
}

async function reasonOf(response) {
  const body = await text(response);
  try {
    return JSON.parse(body).message;
  } catch {
    return body.slice(0, 200);
  }
}
