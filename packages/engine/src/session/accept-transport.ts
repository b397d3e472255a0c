import { zeros } from '../bytes.js';
import type { Clock, Timer } from '../clock.js';
import { CloseCode, HANDSHAKE_TIMEOUT, PROTOCOL_VERSION, SESSION_SECRET_LENGTH } from '../constants.js';
import { ProtocolError, violation } from '../errors.js';
import { encodeFrame } from '../frame/encode.js';
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
} from '../frame/payload.js';
import { isSameSecret } from '../secrets.js';
import type { Transport } from '../transport.js';
import { checkVersion, noHandshake } from './handshake.js';
import { Link, type LinkHolder } from './link.js';
import type { Session } from './session.js';
import type { Loss } from './session-options.js';

/** The server's side of the handshake: reads the first frame of a transport, and attaches it to the session it names. */
export function acceptTransport<Kept extends KeptSession>(
  transport: Transport,
  host: SessionHost<Kept>,
  clock: Clock,
): void {
  new Greeting(host).read(transport, clock);
}

/** Where the server's sessions are kept, as one transport finds it. */
export interface SessionHost<Kept extends KeptSession> {
  /** Where these sessions live, 1 to 64 bytes of visible ASCII: told to every client that can take it. Default: nobody is told. */
  readonly route?: string;
  /** A session for a new client; throws ProtocolError to turn it away. */
  create(hello: Hello): Kept;
  /** The session with that id, if it belongs to the one who opened this transport; throws ProtocolError otherwise. */
  find(resume: Resume): Kept;
  /** The peer has proved that the session is its own: it goes on with this transport. */
  onResumed(kept: Kept): void;
  /** Something was said on the transport that ended it before there was a session. */
  onRejected(reason: string): void;
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

/** Also for a wrong secret: whether an id exists is nobody else's business. */
export function unknownSession(): ProtocolError {
  return new ProtocolError('unknown session', CloseCode.sessionUnknown);
}

/** Holds a transport until its first frame is there, or it is too late for that. */
class Greeting<Kept extends KeptSession> implements LinkHolder {
  readonly #host: SessionHost<Kept>;
  #link: Link | undefined;
  #timer: Timer | undefined;

  constructor(host: SessionHost<Kept>) {
    this.#host = host;
  }

  read(transport: Transport, clock: Clock): void {
    this.#link = new Link(transport, this);
    // The path may be slow, or the client's machine busy: the session that it would name is none the worse for it.
    const late = (): void => this.#reject(CloseCode.late, 'no HELLO or RESUME in time');
    this.#timer = clock.setTimer(late, HANDSHAKE_TIMEOUT);
  }

  onFrame(type: number, _channel: number, payload: Uint8Array): void {
    const link = this.#link as Link;
    this.#timer?.cancel();
    if (type === FrameType.hello) begin(link, this.#host, decodeHello(payload));
    else if (type === FrameType.resume) resume(link, this.#host, decodeResume(payload));
    else throw violation('the first frame is neither HELLO nor RESUME');
  }

  onData(): void {
    throw violation('DATA before HELLO');
  }

  onArrival(): void {}

  onDrain(): void {}

  onLost({ code, reason }: Loss): void {
    this.#timer?.cancel();
    this.#host.onRejected(`closed before HELLO: ${code} ${reason}`);
  }

  onViolation({ closeCode, message }: ProtocolError): void {
    this.#reject(closeCode, message);
  }

  #reject(code: number, reason: string): void {
    const { transport } = this.#link as Link;
    this.#timer?.cancel();
    this.#link?.cut();
    if (TURNED_AWAY.has(code)) sayRefused(transport);
    transport.close(code, reason);
    this.#host.onRejected(reason);
  }
}

/** Close codes that proxies use as well: that the server itself has said them, and has read nothing, is said by a frame. */
const TURNED_AWAY: ReadonlySet<number> = new Set([CloseCode.serviceRestart, CloseCode.tryAgainLater]);

function sayRefused(transport: Transport): void {
  transport.send([encodeFrame(FrameType.goAway, SESSION_CHANNEL, encodeGoAway(GoAway.refused))]);
}

function begin<Kept extends KeptSession>(link: Link, host: SessionHost<Kept>, hello: Hello): void {
  checkVersion(hello.version);
  const { session, grace } = host.create(hello);
  const { terms } = session;
  if (hello.heartbeat !== undefined) terms.setHeartbeat(hello.heartbeat);
  if (hello.capabilities !== undefined) terms.agree(hello.capabilities);
  const { capabilities } = terms;
  const { route } = host;
  const granted = {
    grace,
    ...(capabilities !== undefined && { capabilities }),
    ...(route !== undefined && { route }),
  };
  session.attach(link, noHandshake);
  session.greet(FrameType.hello, encodeHello({ ...hello, version: PROTOCOL_VERSION, secret: NO_SECRET, ...granted }));
  session.goLive(0);
}

function resume<Kept extends KeptSession>(link: Link, host: SessionHost<Kept>, claim: Resume): void {
  checkVersion(claim.version);
  const kept = host.find(claim);
  if (!isSameSecret(kept.secret, claim.secret)) throw unknownSession();
  if (claim.attempt <= kept.attempt) throw new ProtocolError('a newer attempt was made', CloseCode.superseded);
  kept.attempt = claim.attempt;
  // Fence the old transport first, read the counts second, answer third (PROTOCOL.md, "Resume").
  const { session, grace } = kept;
  session.attach(link, noHandshake);
  const { received } = session.figures;
  const { capabilities } = session.terms;
  const { id, attempt } = claim;
  const { route } = host;
  const agreed = capabilities !== undefined && {
    agreed: { grace, capabilities, ...(route !== undefined && { route }) },
  };
  const answer = { version: PROTOCOL_VERSION, id, secret: NO_SECRET, attempt, received, ...agreed };
  session.greet(FrameType.resume, encodeResume(answer));
  session.goLive(claim.received);
  host.onResumed(kept);
}

/** The server has no reason to say the secret again. */
const NO_SECRET = zeros(SESSION_SECRET_LENGTH);
