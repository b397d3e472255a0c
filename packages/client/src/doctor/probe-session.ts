import {
  Capability,
  type FailureCode,
  Greeter,
  HANDSHAKE_TIMEOUT,
  type OfferedChannel,
  type OpenHandler,
  type Peer,
  Session,
  type SessionKey,
  systemClock,
  systemMemory,
  type Target,
  type Transport,
} from 'wsproxy-engine';
import { type ChannelStream, streamTo } from 'wsproxy-node/relay';

/** Why a session was lost, and the close code if its transport was closed. */
export interface Loss {
  readonly reason: string;
  readonly code?: number;
}

/** The server began no session. */
export class NoSessionError extends Error {
  override readonly name: string = 'NoSessionError';
  readonly code: number | undefined;

  constructor({ reason, code }: Loss) {
    super(reason);
    this.code = code;
  }

  /** The server has not said so: what was opened was silent, or cut. */
  get isSilence(): boolean {
    return this.code === undefined || this.code === WITHOUT_CLOSE;
  }
}

/** A session of one transport: when that is lost, so is the session, and somebody is told why. */
export class ProbeSession {
  readonly session: Session;
  /** Resolves when the transport or the session is gone. */
  readonly lost: Promise<Loss>;
  readonly #greeter: Greeter;

  private constructor(transport: Transport, { key, heartbeat }: ProbeOptions, onWelcome: () => void) {
    let tell: (loss: Loss) => void = () => {};
    this.lost = new Promise((resolve) => {
      tell = resolve;
    });
    this.session = new Session({
      role: 'client',
      clock: systemClock,
      memory: systemMemory,
      heartbeat,
      onDetached: ({ code, reason }) => tell({ reason: `${reason || 'cut without a word'} (${code})`, code }),
      onClosed: (reason) => tell({ reason }),
    });
    this.#greeter = new Greeter(this.session, GRACE, key);
    this.#greeter.greet(transport, onWelcome);
  }

  /** Resolves once the server has answered the greeting; rejects with a NoSessionError when it does not. */
  static async begin(transport: Transport, options: ProbeOptions): Promise<ProbeSession> {
    let timer: NodeJS.Timeout | undefined;
    let onWelcome: () => void = () => {};
    const welcomed = new Promise<void>((resolve) => {
      onWelcome = resolve;
    });
    const probe = new ProbeSession(transport, options, onWelcome);
    const late = new Promise<Loss>((resolve) => {
      timer = setTimeout(
        () => resolve({ reason: `no answer to the greeting within ${HANDSHAKE_TIMEOUT / 1000} s` }),
        HANDSHAKE_TIMEOUT,
      );
    });
    const loss = await Promise.race([welcomed, probe.lost, late]);
    clearTimeout(timer);
    if (loss === undefined) return probe;
    probe.end();
    throw new NoSessionError(loss);
  }

  /** Where it lives, as the server has told it. */
  get route(): string | undefined {
    return this.#greeter.route;
  }

  /** The server says what it counts for its user. */
  get tellsAccount(): boolean {
    return this.session.terms.has(Capability.account);
  }

  /**
   * Opens a channel: what comes of it, and after how many ms. Leaves nothing open. Rejects when the server says nothing
   * within `timeout` ms.
   */
  ask(target: Target, timeout: number = ANSWER_TIMEOUT): Promise<Answer> {
    return askWithin(timeout, 'a new connection', (handler) => {
      const channel = this.session.open(target, handler);
      return () => channel.reset();
    });
  }

  /** The same of a flow of datagrams to any peer: none is sent. */
  askFlow(timeout: number = ANSWER_TIMEOUT): Promise<Answer> {
    return askWithin(timeout, 'datagrams', (handler) => {
      const flow = this.session.openFlow(undefined, handler);
      return () => flow.close();
    });
  }

  /**
   * Has the server listen on a port of its choice on loopback, under this name; `onChannel` gets what comes there. It listens
   * until the answer is closed.
   */
  askListener(
    name: string,
    onChannel: (channel: OfferedChannel) => void,
    timeout: number = ANSWER_TIMEOUT,
  ): Promise<ListenAnswer> {
    let address: Peer | undefined;
    let close: () => void = () => {};
    const asked = askWithin(timeout, 'a remote listener', ({ onOpen, onFail }) => {
      const listener = this.session.listen(
        { kind: 'tcp', bind: '127.0.0.1', port: 0, backlog: 0, name, takesOver: false, anyPort: false },
        {
          onListening: (at) => {
            address = at;
            onOpen();
          },
          onFail,
          onOver() {},
          onChannel,
          onFlow: (flow) => flow.refuse('UNSUPPORTED'),
        },
      );
      close = () => listener.close();
      // Only the one that has asked knows when it is enough.
      return () => address === undefined && close();
    });
    return asked.then((answer) => ({ ...answer, address, close }));
  }

  /** A channel as a stream; a failure is its error. */
  open(target: Target): ChannelStream {
    return streamTo(this.session, target);
  }

  end(): void {
    this.session.leave('the examination is over');
  }
}

export interface ProbeOptions {
  readonly key: SessionKey;
  /** Silence after which either end says something, ms; default 15 s. */
  readonly heartbeat?: number | undefined;
}

/** What has come of a wish, and after how many ms. */
export interface Answer {
  readonly outcome: 'open' | FailureCode;
  readonly ms: number;
}

/** The same of a listener, and where the server listens, if it does. */
export interface ListenAnswer extends Answer {
  readonly address: Peer | undefined;
  close(): void;
}

/** `open` returns what ends that again which it has opened. */
function askWithin(timeout: number, what: string, open: (handler: OpenHandler) => () => void): Promise<Answer> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`no word from the server about ${what} within ${timeout / 1000} s`));
      end();
    }, timeout);
    const settle = (outcome: Answer['outcome']): void => {
      clearTimeout(timer);
      resolve({ outcome, ms: performance.now() - start });
    };
    const end = open({
      onOpen: () => {
        settle('open');
        end();
      },
      onFail: settle,
    });
  });
}

/** The close code of a transport that was lost. */
const WITHOUT_CLOSE = 1006;
/** The server keeps a probe that was cut for this long, ms: nobody comes back for it. */
const GRACE = 1_000;
/** A wish for a channel must be answered within this time: the server needs some 10 s to find out that a destination is silent, ms. */
const ANSWER_TIMEOUT = 30_000;
