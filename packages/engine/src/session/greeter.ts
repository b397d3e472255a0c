import { PROTOCOL_VERSION, SESSION_ID_LENGTH, SESSION_SECRET_LENGTH } from '../constants.js';
import { violation } from '../errors.js';
import { FrameType } from '../frame/frame.js';
import {
  decodeHello,
  decodeResume,
  encodeHello,
  encodeResume,
  routeInHello,
  routeInResume,
  type SessionKey,
} from '../frame/payload.js';
import { randomBytes } from '../secrets.js';
import type { Transport } from '../transport.js';
import { checkVersion } from './handshake.js';
import type { HandshakeSink } from './inbox.js';
import { Link } from './link.js';
import type { Session } from './session.js';
import { sessionName } from './session-name.js';

/** The client's side of the handshake, for the life of one session. */
export class Greeter implements HandshakeSink {
  readonly #session: Session;
  #grace: number;
  #key: SessionKey;
  /** Of the next HELLO, once somebody has asked, where it is not the same. */
  #nextKey: SessionKey | undefined;
  #route: string | undefined;
  #attempt = 0;
  #greeted = false;
  #welcomed = false;
  /** The last greeting was RESUME. */
  #resumes = false;
  /** Told of the answer to it; undefined once that has come. */
  #onWelcome: (() => void) | undefined;
  /** The server has nothing of the session: the next greeting is HELLO. */
  #refused = false;

  /** `grace`: how long the server should keep a detached session, ms. `key`: chosen at random unless told. */
  constructor(session: Session, grace: number, key: SessionKey = randomKey()) {
    this.#session = session;
    this.#grace = grace;
    this.#key = key;
  }

  /** How long the server keeps the session when it is detached, ms; what was wished for until it has answered. */
  get grace(): number {
    return this.#grace;
  }

  /** The next greeting, as things are: the request for its transport tells of it. */
  get next(): NextGreeting {
    const resumes = this.#willResume;
    return { id: resumes ? this.#key.id : this.#keyOfHello().id, resumes };
  }

  /** Where the session lives, as the server has told it; undefined before that, and from a server that does not. */
  get route(): string | undefined {
    return this.#route;
  }

  /** Of the session as it is now: one that was turned away begins again by another name. */
  get sessionName(): string {
    return sessionName(this.#key.id);
  }

  /** The server has said that it has nothing of the session, and nothing was sent to it since. */
  get isRefused(): boolean {
    return this.#refused;
  }

  /** The server itself said that it has read nothing behind HELLO. */
  onRefused(): void {
    if (!this.#welcomed && this.#session.figures.progress === 0) this.#refused = true;
  }

  /**
   * The server does not know the session. True when the next greeting will be HELLO: no server has answered the first one,
   * and even if one has begun the session, nothing runs twice there, since no channel has said more than OPEN.
   */
  onUnknown(): boolean {
    if (this.#resumes && !this.#session.figures.hasUnheardData) this.onRefused();
    return this.#refused;
  }

  /** The server has closed the transport before it had read the greeting: if that was HELLO, nothing is begun. */
  onUnread(): void {
    if (!this.#resumes) this.onRefused();
  }

  /**
   * Attaches `transport` and begins the session, or resumes it. A new session sends at once, without waiting for the
   * answer; a resumed one has to learn first where to go on. `onWelcome` is told when the server has answered.
   */
  greet(transport: Transport, onWelcome: () => void): void {
    this.#resumes = this.#willResume;
    this.#onWelcome = onWelcome;
    this.#session.attach(new Link(transport), this);
    if (this.#resumes) this.#sayResume(this.#session.figures.received);
    else this.#sayHello();
  }

  get #willResume(): boolean {
    return this.#welcomed || (!this.#refused && this.#session.figures.sent > 0);
  }

  /** The server may have heard the first HELLO, though its answer was lost: nobody will ever resume that session. */
  #keyOfHello(): SessionKey {
    if (!this.#greeted) return this.#key;
    this.#nextKey ??= randomKey();
    return this.#nextKey;
  }

  #sayHello(): void {
    this.#key = this.#keyOfHello();
    this.#nextKey = undefined;
    this.#greeted = true;
    this.#refused = false;
    this.#route = undefined;
    const { heartbeat, offered } = this.#session.terms;
    const wishes = { grace: this.#grace, capabilities: offered, ...(heartbeat !== undefined && { heartbeat }) };
    this.#session.greet(FrameType.hello, encodeHello({ ...this.#key, version: PROTOCOL_VERSION, ...wishes }));
    this.#session.goLive(0);
  }

  #sayResume(received: number): void {
    this.#attempt += 1;
    const claim = { ...this.#key, version: PROTOCOL_VERSION, attempt: this.#attempt, received };
    this.#session.greet(FrameType.resume, encodeResume(claim));
  }

  onHandshake(type: number, payload: Uint8Array): void {
    const onWelcome = this.#onWelcome;
    if (onWelcome === undefined) throw violation('a second HELLO or RESUME');
    if ((type === FrameType.resume) !== this.#resumes) throw violation('the answer does not fit the greeting');
    this.#onWelcome = undefined;
    if (this.#resumes) this.#onResume(payload);
    else this.#onHello(payload);
    this.#welcomed = true;
    onWelcome();
  }

  #onHello(payload: Uint8Array): void {
    const { version, grace, capabilities } = decodeHello(payload);
    checkVersion(version);
    this.#route = routeInHello(payload);
    this.#agree(grace, capabilities);
  }

  #onResume(payload: Uint8Array): void {
    const { version, received, agreed } = decodeResume(payload);
    checkVersion(version);
    this.#route = routeInResume(payload);
    const { terms } = this.#session;
    const before = terms.capabilities;
    if (agreed !== undefined) this.#agree(agreed.grace, agreed.capabilities);
    // Anyone who knows of capabilities tells them again.
    else if (before === undefined) terms.agree(0);
    if (before !== undefined && terms.capabilities !== before) throw violation('other capabilities than before');
    this.#session.goLive(received);
  }

  #agree(grace: number, capabilities = 0): void {
    this.#grace = Math.min(this.#grace, grace);
    this.#session.terms.agree(capabilities);
  }
}

/** What a greeting is going to say. */
export interface NextGreeting {
  /** Of the session. */
  readonly id: Uint8Array;
  /** RESUME; otherwise HELLO. */
  readonly resumes: boolean;
}

function randomKey(): SessionKey {
  return { id: randomBytes(SESSION_ID_LENGTH), secret: randomBytes(SESSION_SECRET_LENGTH) };
}
