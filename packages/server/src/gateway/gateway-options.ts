import type { IncomingMessage } from 'node:http';
import type { Logger, Transport } from 'wsproxy-engine';
import type { TransportAcceptor } from 'wsproxy-node/transports';
import type { Guard } from '../limits/guard.js';
import type { ServerObserver } from '../observe/observer.js';
import type { User } from '../users/user.js';
import type { Authorize, AuthorizeOptions } from './authorize.js';
import type { Caller } from './caller.js';
import type { HandOnRequest } from './handing-on.js';
import type { TicketDoorOptions } from './ticket-door.js';
import type { GatewayTls } from './tls.js';
import type { WispDoorOptions } from './wisp-door.js';

export interface GatewayOptions
  extends Pick<AuthorizeOptions, 'authenticate' | 'whyNot' | 'allowOrigins' | 'spendTicket'> {
  /** The one path served, compared byte for byte; a query is ignored. */
  readonly path: string;
  /** The kinds of transports that there are. */
  readonly acceptors: readonly TransportAcceptor[];
  /** Takes over an open transport, which was asked for by `request`; returns what to call once its connection is closed. */
  readonly onTransport: (transport: Transport, user: User, caller: Caller, request: IncomingMessage) => () => void;
  /** Whether an authenticated user may open one more transport by `request`; default yes. */
  readonly hasRoom?: (user: User, request: IncomingMessage) => boolean | Promise<boolean>;
  /** A request is turned away, perhaps after `hasRoom` has found room for it. */
  readonly onTurnedAway?: (request: IncomingMessage) => void;
  /** Whether others have taken the last room since `hasRoom` was asked; default no. */
  readonly isFull?: (user: User) => boolean;
  /** Hands on what belongs to another process. Default: everything is answered here. */
  readonly handOn?: HandOnRequest;
  /** By whom requests were judged before they were handed on to here, on any path. Default: this gateway judges them itself. */
  readonly judged?: JudgedBefore;
  readonly logger: Logger;
  readonly limits?: Partial<GatewayLimits>;
  /** Default: anything that comes is taken. */
  readonly guard?: Pick<Guard, 'hit' | 'takeConnection'>;
  readonly observer?: ServerObserver;
  /** Default: no TLS, which a reverse proxy then has to do. */
  readonly tls?: GatewayTls;
  /**
   * A folder of static files to show to anyone who may not come in. With it the path is like any other to those without
   * the token: nothing says that there is more, not even 401.
   */
  readonly decoy?: string;
  /** A second path, on which those who have a token get tickets. Default: there is none. */
  readonly tickets?: Pick<TicketDoorOptions, 'createTicket'> & { readonly path: string };
  /** Where those come in who speak Wisp. Default: nowhere. */
  readonly wisp?: Pick<WispDoorOptions, 'path' | 'authenticate' | 'whyNot' | 'welcome'>;
  /** Whose X-Forwarded-For to believe: addresses, CIDR ranges, or `unix`. Default: nobody's. */
  readonly trustedProxies?: readonly string[];
}

/** What a request says that another process has handed on. */
export interface JudgedBefore {
  readonly authorize: Authorize;
  readonly callerOf: (request: IncomingMessage) => Caller;
  /** Of a request, bytes. */
  readonly maxHeaderSize: number;
}

export interface GatewayLimits {
  /** For a complete request, from accept on, ms; with TLS twice as long. Its answer has twice as long, too. Default 10 s. */
  readonly handshakeTimeout: number;
  /** Connections at a time that are no transport; default 1,024. */
  readonly pendingConnections: number;
}
