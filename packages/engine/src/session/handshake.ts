import { zeros } from '../bytes.js';
import type { Clock } from '../clock.js';
import {
  CloseCode,
  HANDSHAKE_TIMEOUT,
  PROTOCOL_VERSION,
  SESSION_ID_LENGTH,
  SESSION_SECRET_LENGTH,
} from '../constants.js';
import { ProtocolError, violation } from '../errors.js';
import { OFFERED } from '../frame/capabilities.js';
import { FrameDecoder } from '../frame/decode.js';
import { FrameBatch, HEADROOM } from '../frame/encode.js';
import { FrameType, SESSION_CHANNEL } from '../frame/frame.js';
import {
  decodeHello,
  decodeResume,
  encodeGoAway,
  encodeHello,
  encodeResume,
  GoAway,
  type Hello,
  type Resume,
  type SessionKey,
} from '../frame/payload.js';
import { isSameSecret, randomBytes } from '../secrets.js';
import { deafReceiver, type Transport } from '../transport.js';
import type { Session } from './session.js';

/** The client's side of the handshake, for the life of one session. */
export class Greeter {
  readonly #session: Session;
  #grace: number;
  #key: SessionKey;
  #attempt = 0;
  #greeted = false;
  #welcomed = false;
  /** The last greeting was RESUME. */
  #resumes = false;
  /** The server has nothing of the session: the next greeting is HELLO. */
  #refused = false;

  /** `grace`: how long the server shall keep the session when it is detached, ms. */
  constructor(session: Session, key: SessionKey, grace: number) {
    this.#session = session;
    this.#key = key;
    this.#grace = grace;
  }

  /** How long the server keeps the session when it is detached, ms; what was wished for until it has answered. */
  get grace(): number {
    return this.#grace;
  }

  /** The server has said that it has nothing of the session, and nothing was sent to it since. */
  get isRefused(): boolean {
    return this.#refused;
  }

  /** The server itself said that it has read nothing behind HELLO. */
  onRefused(): void {
    if (!this.#welcomed && this.#session.progress === 0) this.#refused = true;
  }

  /**
   * The server does not know the session. True when the next greeting will be HELLO: no server has answered the first one,
   * and even if one has begun the session, nothing runs twice there, since no channel has said more than OPEN.
   */
  onUnknown(): boolean {
    if (this.#resumes && !this.#session.hasUnheardData) this.onRefused();
    return this.#refused;
  }

  /**
   * Attaches `transport` and begins the session, or resumes it. A new session sends at once, without waiting for the
   * answer; a resumed one has to learn first where to go on. `onWelcome` is told when the server has answered.
   */
  greet(transport: Transport, onWelcome: () => void): void {
    const isNew = !this.#welcomed && (this.#refused || this.#session.sentCount === 0);
    this.#resumes = !isNew;
    let isAnswered = false;
    this.#session.attach(transport, (type, payload) => {
      if (isAnswered) throw violation('a second HELLO or RESUME');
      if ((type === FrameType.hello) !== isNew) throw violation('the answer does not fit the greeting');
      isAnswered = true;
      if (isNew) this.#onHello(decodeHello(payload));
      else this.#onResume(decodeResume(payload));
      this.#welcomed = true;
      onWelcome();
    });
    const version = PROTOCOL_VERSION;
    if (isNew) {
      // The server may have heard the first HELLO, though its answer was lost: nobody will ever resume that session.
      if (this.#greeted) this.#key = randomKey();
      this.#greeted = true;
      this.#refused = false;
      const { heartbeat } = this.#session;
      const wishes = { grace: this.#grace, capabilities: OFFERED, ...(heartbeat !== undefined && { heartbeat }) };
      this.#session.greet(FrameType.hello, encodeHello({ ...this.#key, version, ...wishes }));
      this.#session.goLive(0);
    } else {
      this.#attempt += 1;
      const { receivedCount: received } = this.#session;
      this.#session.greet(FrameType.resume, encodeResume({ ...this.#key, version, attempt: this.#attempt, received }));
    }
  }

  #onHello({ version, grace, capabilities }: Hello): void {
    checkVersion(version);
    this.#agree(grace, capabilities);
  }

  #onResume({ version, received, agreed }: Resume): void {
    checkVersion(version);
    if (agreed !== undefined) this.#agree(agreed.grace, agreed.capabilities);
    this.#session.goLive(received);
  }

  #agree(grace: number, capabilities = 0): void {
    this.#grace = Math.min(this.#grace, grace);
    this.#session.agree(capabilities);
  }
}

function randomKey(): SessionKey {
  return { id: randomBytes(SESSION_ID_LENGTH), secret: randomBytes(SESSION_SECRET_LENGTH) };
}

/** A session as the server keeps it: with what proves who may resume it. */
export interface KeptSession {
  readonly session: Session;
  readonly secret: Uint8Array;
  /** The highest attempt number seen; a lower one comes from a transport that was overtaken. */
  attempt: number;
  /** How long it is kept when detached, ms: told to the client. */
  readonly grace: number;
}

/** Where the server's sessions are kept. */
export interface SessionHost {
  /** A session for a new client; throws ProtocolError to turn it away. */
  create(hello: Hello): KeptSession;
  /** The session with that id, if it belongs to whoever opened this transport; throws ProtocolError otherwise. */
  find(resume: Resume): KeptSession;
  /** Something was said on the transport that ended it before there was a session. */
  onRejected(reason: string): void;
}

/** Close codes that proxies use as well: that the server itself has said them, and has read nothing, is said by a frame. */
const TURNED_AWAY: ReadonlySet<number> = new Set([CloseCode.serviceRestart, CloseCode.tryAgainLater]);

function sayRefused(transport: Transport): void {
  const batch = new FrameBatch();
  batch.add(FrameType.goAway, SESSION_CHANNEL, encodeGoAway(GoAway.refused));
  transport.send(batch.take(), HEADROOM);
}

/** The server's side: reads the first frame of a transport, and attaches the transport to the session it names. */
export function acceptTransport(transport: Transport, host: SessionHost, clock: Clock): void {
  const reject = (code: number, reason: string): void => {
    timer.cancel();
    decoder.sink = undefined;
    transport.receiver = deafReceiver;
    if (TURNED_AWAY.has(code)) sayRefused(transport);
    transport.close(code, reason);
    host.onRejected(reason);
  };
  const timer = clock.setTimer(() => reject(CloseCode.protocolError, 'no HELLO or RESUME in time'), HANDSHAKE_TIMEOUT);
  let session: Session | undefined;

  const decoder: FrameDecoder = new FrameDecoder({
    onFrame(type, _channel, payload) {
      if (type === FrameType.hello) session = begin(transport, host, decodeHello(payload), decoder);
      else if (type === FrameType.resume) session = resume(transport, host, decodeResume(payload), decoder);
      else throw violation('the first frame is neither HELLO nor RESUME');
      timer.cancel();
    },
    onData() {
      throw violation('DATA before HELLO');
    },
  });

  transport.receiver = {
    onBytes(chunk) {
      try {
        decoder.push(chunk);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        // What came in one piece with the greeting is the session's already.
        if (session === undefined) reject(error.closeCode, error.message);
        else session.fail(error);
      }
    },
    onDrain() {},
    onClose(code, reason) {
      timer.cancel();
      host.onRejected(`closed before HELLO: ${code} ${reason}`);
    },
    onText: () => reject(CloseCode.textMessage, 'a text message'),
  };
}

function begin(transport: Transport, host: SessionHost, hello: Hello, decoder: FrameDecoder): Session {
  checkVersion(hello.version);
  const { session, grace } = host.create(hello);
  if (hello.heartbeat !== undefined) session.setHeartbeat(hello.heartbeat);
  if (hello.capabilities !== undefined) session.agree(hello.capabilities);
  const { capabilities } = session;
  const granted = { grace, ...(capabilities !== undefined && { capabilities }) };
  session.attach(transport, refuseHandshake, decoder);
  session.greet(FrameType.hello, encodeHello({ ...hello, version: PROTOCOL_VERSION, secret: NO_SECRET, ...granted }));
  session.goLive(0);
  return session;
}

function resume(transport: Transport, host: SessionHost, claim: Resume, decoder: FrameDecoder): Session {
  checkVersion(claim.version);
  const kept = host.find(claim);
  if (!isSameSecret(kept.secret, claim.secret)) throw unknownSession();
  if (claim.attempt <= kept.attempt) throw new ProtocolError('a newer attempt was made', CloseCode.superseded);
  kept.attempt = claim.attempt;
  // Fence the old transport first, read the counts second, answer third (PROTOCOL.md, "Resume").
  const { session } = kept;
  session.attach(transport, refuseHandshake, decoder);
  const { receivedCount: received, capabilities } = session;
  const { id, attempt } = claim;
  const agreed = capabilities !== undefined && { agreed: { grace: kept.grace, capabilities } };
  const answer = { version: PROTOCOL_VERSION, id, secret: NO_SECRET, attempt, received, ...agreed };
  session.greet(FrameType.resume, encodeResume(answer));
  try {
    session.goLive(claim.received);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    session.fail(error);
  }
  return session;
}

/** The server has no reason to say the secret again. */
const NO_SECRET = zeros(SESSION_SECRET_LENGTH);

/** Also for a wrong secret: whether an id exists is nobody else's business. */
export function unknownSession(): ProtocolError {
  return new ProtocolError('unknown session', CloseCode.sessionUnknown);
}

function refuseHandshake(): void {
  throw violation('a second HELLO or RESUME');
}

function checkVersion(version: number): void {
  if (version === PROTOCOL_VERSION) return;
  throw new ProtocolError(
    `version ${version} is not supported, only ${PROTOCOL_VERSION}`,
    CloseCode.unsupportedVersion,
  );
}
