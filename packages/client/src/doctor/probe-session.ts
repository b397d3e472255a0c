import {
  Capability,
  type FailureCode,
  Greeter,
  HANDSHAKE_TIMEOUT,
  Session,
  systemClock,
  systemMemory,
  type Target,
  type Transport,
} from 'wsproxy-engine';
import { type ChannelStream, streamTo } from 'wsproxy-node/relay';

/** A session of one transport: when that is lost, so is the session, and somebody is told why. */
export class ProbeSession {
  readonly session: Session;
  /** Resolves with the reason when the transport or the session is gone. */
  readonly lost: Promise<string>;
  readonly #greeter: Greeter;

  private constructor(transport: Transport, heartbeat: number | undefined, onWelcome: () => void) {
    let tell: (reason: string) => void = () => {};
    this.lost = new Promise((resolve) => {
      tell = resolve;
    });
    this.session = new Session({
      role: 'client',
      clock: systemClock,
      memory: systemMemory,
      heartbeat,
      onDetached: ({ code, reason }) => tell(`${reason || 'cut without a word'} (${code})`),
      onClosed: (reason) => tell(reason),
    });
    this.#greeter = new Greeter(this.session, GRACE);
    this.#greeter.greet(transport, onWelcome);
  }

  /**
   * Resolves once the server has answered the greeting; rejects with the reason when it does not. `heartbeat`: silence
   * after which either end says something, ms; default 15 s.
   */
  static async begin(transport: Transport, heartbeat?: number): Promise<ProbeSession> {
    let timer: NodeJS.Timeout | undefined;
    let onWelcome: () => void = () => {};
    const welcomed = new Promise<void>((resolve) => {
      onWelcome = resolve;
    });
    const probe = new ProbeSession(transport, heartbeat, onWelcome);
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(
        () => resolve(`no answer to the greeting within ${HANDSHAKE_TIMEOUT / 1000} s`),
        HANDSHAKE_TIMEOUT,
      );
    });
    const reason = await Promise.race([welcomed, probe.lost, late]);
    clearTimeout(timer);
    if (reason === undefined) return probe;
    probe.end();
    throw new Error(reason);
  }

  /** The server says what it counts for its user. */
  get tellsAccount(): boolean {
    return this.session.terms.has(Capability.account);
  }

  /**
   * Opens a channel: what comes of it, and after how many ms. Leaves nothing open. Rejects when the server says nothing
   * within `timeout` ms.
   */
  async ask(target: Target, timeout: number = ANSWER_TIMEOUT): Promise<{ outcome: 'open' | FailureCode; ms: number }> {
    const start = performance.now();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`no word from the server about a new connection within ${timeout / 1000} s`));
        channel.reset();
      }, timeout);
      const settle = (outcome: 'open' | FailureCode): void => {
        clearTimeout(timer);
        resolve({ outcome, ms: performance.now() - start });
      };
      const channel = this.session.open(target, {
        onOpen: () => {
          settle('open');
          channel.reset();
        },
        onFail: settle,
      });
    });
  }

  /** A channel as a stream; a failure is its error. */
  open(target: Target): ChannelStream {
    return streamTo(this.session, target);
  }

  end(): void {
    this.session.leave('the examination is over');
  }
}

/** The server keeps a probe that was cut for this long, ms: nobody comes back for it. */
const GRACE = 1_000;
/** A wish for a channel must be answered within this time: the server needs some 10 s to find out that a destination is silent, ms. */
const ANSWER_TIMEOUT = 30_000;
