import type { IncomingMessage } from 'node:http';
import { SUBPROTOCOL, type Transport } from 'wsproxy-engine';
import type { Arrival } from 'wsproxy-node/transports';
import type { Denial } from '../users/denial.js';
import type { User } from '../users/user.js';
import { type Authorize, type AuthorizeOptions, createAuthorize } from './authorize.js';
import { known, type Refusal, stranger } from './refusal.js';
import { pathOf } from './request-head.js';

/**
 * The door of those who speak Wisp. Their browsers can send neither a header nor, in its first version, anything else that says whose
 * they are: so a token of its own kind stands in the path. Those of version 2 may log in on the WebSocket.
 */
export class WispDoor {
  readonly #options: WispDoorOptions;
  /** Judges a request by the token in its path. */
  readonly #authorize: Authorize;

  constructor(options: WispDoorOptions) {
    this.#options = options;
    const { authenticate, whyNot, path, ...rest } = options;
    const tokenIn = (request: IncomingMessage): string => wispTokenIn(request, path) ?? '';
    this.#authorize = createAuthorize({
      ...rest,
      authenticate: (request) => authenticate(tokenIn(request)),
      whyNot: (request) => whyNot(tokenIn(request)),
    });
  }

  /**
   * Whether a request is for this door, no matter what token stands behind its path. A client of the tunnel that has a URL of Wisp by
   * mistake is told that there is nothing: to an answer in Wisp it could say nothing clear.
   */
  isFor(request: IncomingMessage): boolean {
    return pathOf(request).startsWith(this.#options.path) && !offersTunnel(request);
  }

  /** Makes a WebSocket of a request, or says why it is to be refused. */
  async serve(arrival: Arrival): Promise<Refusal | 'answered'> {
    const { request } = arrival;
    const { path, welcome, hasRoom, isFull, takesLogin } = this.#options;
    const isSecondVersion = request.headers['sec-websocket-protocol'] !== undefined;
    const who = await this.#authorize(request);
    const mayLogIn = takesLogin && isSecondVersion && pathOf(request) === path;
    if ('status' in who && !(who.status === 401 && mayLogIn)) return who;
    const user = 'status' in who ? undefined : who.user;
    const { isRight, accept } = await welcome();
    if (!isRight(arrival))
      return 'status' in who ? who : known('stream' in arrival ? 400 : 426, 'not an upgrade', who.user.id);
    // Others may have taken the last room meanwhile.
    if (user !== undefined && (!(await hasRoom(user, request)) || isFull(user)))
      return known(429, 'too many sessions', user.id);
    accept(arrival, this.#visitOf(arrival, user, isSecondVersion));
    return 'answered';
  }

  #visitOf(arrival: Arrival, user: User | undefined, isSecondVersion: boolean): WispVisit {
    const { onTransport, onRefused, onBroken } = this.#options;
    return {
      ...{ user, isSecondVersion, onBroken },
      login: (name, token) => this.#login(arrival, name, token),
      onTransport: (transport, owner) => onTransport(arrival, transport, owner),
      onRefused: (status) => onRefused(arrival, known(status, 'wrong upgrade', user?.id)),
    };
  }

  async #login(arrival: Arrival, name: string, token: string): Promise<LoginOutcome> {
    const { authenticate, whyNot, hasRoom, isFull, onDenied } = this.#options;
    const user = authenticate(token);
    if (user?.id !== name) {
      onDenied(arrival, { ...stranger(401, 'wrong token'), ...(user === undefined && whyNot(token)) });
      return 'wrong';
    }
    if ((await hasRoom(user, arrival.request)) && !isFull(user)) return user;
    onDenied(arrival, known(429, 'too many sessions', user.id));
    return 'full';
  }
}

function offersTunnel({ headers }: IncomingMessage): boolean {
  const offered = headers['sec-websocket-protocol']?.split(',') ?? [];
  return offered.some((protocol) => protocol.trim() === SUBPROTOCOL);
}

/** The wisp token that stands in the path of a request, behind `path`; undefined for anything else. */
function wispTokenIn(request: IncomingMessage, path: string): string | undefined {
  return TOKEN.exec(pathOf(request).slice(path.length))?.[1];
}

/** What a URL carries unchanged. */
const TOKEN = /^([\w.~-]{32,256})\/$/;

export interface WispDoorOptions extends Pick<AuthorizeOptions, 'timeout' | 'onTimeout' | 'onError' | 'allowOrigins'> {
  /** With `/` at its end. */
  readonly path: string;
  /** Whose wisp token it is, and why it is nobody's. */
  readonly authenticate: (token: string) => User | undefined;
  readonly whyNot: (token: string) => Denial;
  /** Strangers are told that they may log in. */
  readonly takesLogin: boolean;
  readonly hasRoom: (user: User, request: IncomingMessage) => boolean | Promise<boolean>;
  readonly isFull: (user: User) => boolean;
  /** What speaks Wisp: loaded only where there is such a door. */
  readonly welcome: () => Promise<WispWelcome>;
  /** The client has a session; returns what to call once its connection is closed. */
  readonly onTransport: (arrival: Arrival, transport: Transport, user: User) => () => void;
  /** To be answered. */
  readonly onRefused: (arrival: Arrival, refusal: Refusal) => void;
  /** It was told so, by words of Wisp. */
  readonly onDenied: (arrival: Arrival, refusal: Refusal) => void;
  readonly onBroken: (error: Error) => void;
}

/** What speaks Wisp with those who may come in. */
export interface WispWelcome {
  /** Whether a request can be for a WebSocket. */
  isRight(arrival: Arrival): boolean;
  accept(arrival: Arrival, visit: WispVisit): void;
}

/** One that comes in by it. */
export interface WispVisit {
  /** Undefined where the client has to log in. */
  readonly user: User | undefined;
  readonly isSecondVersion: boolean;
  login(name: string, token: string): Promise<LoginOutcome>;
  onTransport(transport: Transport, user: User): () => void;
  onRefused(status: 400 | 405): void;
  readonly onBroken: (error: Error) => void;
}

export type LoginOutcome = User | 'wrong' | 'full';
