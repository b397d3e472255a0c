import {
  MemoryBudget,
  parseHost,
  parsePort,
  REPLAY_LIMIT,
  silentLogger,
  systemClock,
  systemMemory,
  type Target,
} from 'wsproxy-engine';
import { Connector, type Greeting, isConnected } from 'wsproxy-engine/connector';
import type { ClientState, ClientStatus } from './client-status.js';
import type { Connection } from './connection.js';
import { isInBackground } from './in-background.js';
import { onLeave } from './on-leave.js';
import { onWake } from './on-wake.js';
import { openConnection } from './open-connection.js';
import { openWebSocket } from './open-web-socket.js';
import { type ClientOptions, type Destination, readOptions, type Settings } from './options.js';
import { type OnIncoming, Services } from './services.js';
import { TicketDesk } from './ticket-desk.js';

/**
 * Makes a client. It connects when it is first used, or by `start`, and stays connected until `close`.
 * @throws TypeError in one line when an option cannot be used
 */
export function createClient(options: ClientOptions): Client {
  return new Client(readOptions(options));
}

/** The page's end of the tunnel. Dispatches `state` when `status.state` or `status.reason` has changed. */
export class Client extends EventTarget {
  readonly #connector: Connector;
  readonly #services = new Services();
  readonly #endWatch: () => void;
  #hasServed = false;
  #told = '';

  constructor({ url, ticket, grace, heartbeat }: Settings) {
    super();
    const desk = new TicketDesk(ticket);
    this.#connector = new Connector({
      servers: [
        {
          name: url.href,
          connect: async (signal, greeting) => openWebSocket(withRoute(url, greeting), await desk.next(signal), signal),
        },
      ],
      clock: systemClock,
      memory: systemMemory,
      logger: silentLogger,
      ...{ grace, heartbeat, connections: 1, optimistic: false, endsWhenRefused: true },
      processBudgets: {
        windows: new MemoryBudget(WINDOWS),
        replay: new MemoryBudget(REPLAY_LIMIT),
      },
      onCall: (channel, service) => this.#services.take(channel, service),
      isAwaited: () => this.#services.size > 0,
      onState: () => this.#tell(),
      onRetry: (_, { former }) => {
        const isWorthIt = former === 'online' && this.#connector.status().sinceMs >= WORTH_A_TRY;
        queueMicrotask(() => {
          this.#tell();
          if (isWorthIt && isInBackground()) this.#connector.reconnectNow();
        });
      },
    });
    const ends = [onWake(() => this.#connector.wake()), onLeave(() => this.close())];
    this.#endWatch = () => {
      for (const end of ends) end();
    };
  }

  /**
   * Connects now. Resolves once the server has answered; rejects with ConnectError when that can never succeed as things are: the client
   * is then gone.
   */
  start(): Promise<void> {
    return this.#connector.start();
  }

  /**
   * Opens a connection, whether the tunnel is up or not.
   * @throws TypeError when there can be no such destination
   */
  connect(destination: Destination): Connection {
    const target = targetOf(destination);
    this.#connectFirst();
    return openConnection(this.#connector, target, () => this.#connector.trouble);
  }

  /**
   * Takes the connections that the server opens to `service`, until what is returned is called.
   * @throws TypeError for a name that is none, or that is taken
   */
  onIncoming(service: string, onConnection: OnIncoming): () => void {
    const end = this.#services.register(service, onConnection);
    this.#connectFirst();
    return end;
  }

  get status(): ClientStatus {
    const { reason, nextTryMs, failedTries, resumes, roundTripMs } = this.#connector.status();
    const connections = this.#connector.channelCount;
    const state = this.#state;
    const end = state === 'gone' ? this.#connector.trouble?.message : undefined;
    return { state, reason: end ?? reason, nextTryMs, failedTries, resumes, roundTripMs, connections };
  }

  /** Resets every connection, and leaves for good. */
  close(): void {
    this.#services.close();
    this.#connector.close();
  }

  get #state(): ClientState {
    const { state } = this.#connector;
    if (state === 'idle') return state;
    if (state === 'closed') return 'gone';
    if (isConnected(state)) return 'connected';
    return this.#hasServed ? 'away' : 'connecting';
  }

  #connectFirst(): void {
    // Anyone who wants to know why that fails looks at `status`.
    if (this.#connector.state === 'idle') this.#connector.reconnectNow();
  }

  #tell(): void {
    const { state, reason } = this.status;
    if (state === 'connected') this.#hasServed = true;
    if (state === 'gone') this.#endWatch();
    const now = `${state} ${reason}`;
    if (now === this.#told) return;
    this.#told = now;
    this.dispatchEvent(new Event('state'));
  }
}

/** What all windows of a page may hold, bytes: it cannot stop a WebSocket from bringing more. */
const WINDOWS = 8_388_608;

/** How long it was connected, ms: a server that ends everything at once is not asked in a tight loop. */
const WORTH_A_TRY = 1_000;

function targetOf({ host, port }: Destination): Target {
  const parsed = { host: parseHost(String(host)), port: parsePort(String(port)) };
  if (parsed.host === undefined) throw new TypeError(`host: ${JSON.stringify(host)} is no host name and no address`);
  if (parsed.port === undefined) throw new TypeError('port: expected a number from 1 to 65535');
  return { host: parsed.host, port: parsed.port };
}

/** A page cannot set headers, and a cookie is of all its tabs (PROTOCOL.md section 2). */
function withRoute(url: URL, { next, route }: Greeting): URL {
  const there = new URL(url);
  if (next.resumes) there.searchParams.set('r', route ?? '');
  return there;
}
