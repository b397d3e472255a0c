import { request } from 'node:http';
import { json, text } from 'node:stream/consumers';
import { takeNumber } from './take-number.mjs';

/** As old as Docker 20.10, and Podman 3. */
const VERSION = '/v1.41';
/** Tells which process it is, and becomes the command. */
const TOLD = ['/bin/sh', '-c', 'echo $$; exec /bin/sh -c "$1"', 'sh'];

/** What of the Docker Engine API a console needs, over its Unix socket. */
export class Engine {
  #socketPath;

  constructor(socketPath) {
    this.#socketPath = socketPath;
  }

  /** Containers that run. */
  async list() {
    const all = await this.#ask('GET', '/containers/json');
    return all.map(({ Id, Names, Image, State }) => ({
      id: Id,
      name: Names[0].replace(/^\//, ''),
      image: Image,
      state: State,
    }));
  }

  /** Whether the container's own program has a terminal: then its output has no heads. */
  async hasTerminal(id) {
    return (await this.#ask('GET', `/containers/${id}/json`)).Config.Tty === true;
  }

  /**
   * Runs a command of the shell in a terminal inside a container. Once it is `ready` it may be typed to. `hangUp` ends it as the loss of a
   * terminal does, if it still runs.
   */
  async exec(id, command) {
    const path = await this.#createExec(id, {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
      Env: ['TERM=xterm-256color'],
      Cmd: [...TOLD, command],
    });
    const socket = await this.#upgrade(`${path}/start`, { Detach: false, Tty: true });
    const process = takeNumber(socket);
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

  async #createExec(id, options) {
    const { Id } = await this.#ask('POST', `/containers/${id}/exec`, options);
    return `/exec/${Id}`;
  }

  /** Input and output of the container's own program. */
  async attach(id) {
    return {
      socket: await this.#upgrade(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`),
      resize: ({ columns, rows }) => this.#ask('POST', `/containers/${id}/resize?h=${rows}&w=${columns}`),
    };
  }

  /** What the container's own program has written, and goes on to write. */
  async logs(id) {
    return { socket: await this.#send('GET', `/containers/${id}/logs?follow=1&stdout=1&stderr=1&tail=1000`) };
  }

  async #ask(method, path, body) {
    const response = await this.#send(method, path, body);
    // A change of size answers with no JSON.
    return response.headers['content-type']?.startsWith('application/json') ? json(response) : void response.resume();
  }

  async #send(method, path, body) {
    const response = await this.#request(method, path, body, {});
    if (response.statusCode < 300) return response;
    throw new Error(`The container engine answers ${response.statusCode}: ${await reasonOf(response)}`);
  }

  async #upgrade(path, body) {
    const answer = await this.#request('POST', path, body, { Connection: 'Upgrade', Upgrade: 'tcp' });
    if (answer.upgraded !== undefined) return answer.upgraded;
    throw new Error(`The container engine answers ${answer.statusCode}: ${await reasonOf(answer)}`);
  }

  #request(method, path, body, headers) {
    const data = body === undefined ? '' : JSON.stringify(body);
    const head = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(data), ...headers };
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath: this.#socketPath, method, path: VERSION + path, headers: head, agent: false });
      sent.once('response', resolve);
      sent.once('upgrade', (_response, socket, first) => {
        if (first.length > 0) socket.unshift(first);
        resolve({ upgraded: socket });
      });
      sent.once('error', ({ message }) => reject(new Error(`The container engine does not answer: ${message}`)));
      sent.end(data);
    });
  }
}

async function reasonOf(response) {
  const body = await text(response);
  try {
    return JSON.parse(body).message;
  } catch {
    return body.slice(0, 200);
  }
}
