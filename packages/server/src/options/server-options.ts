import type { Logger } from 'wsproxy-engine';
import type { EgressOptions } from 'wsproxy-node/dial';
import type { UdpFilter } from 'wsproxy-node/dial/udp';
import type { DestinationRules } from 'wsproxy-node/targets';
import type { Authenticate } from '../gateway/authenticate.js';
import type { TlsOptions } from '../gateway/tls.js';
import type { LimitOptions } from '../limits/limits.js';
import type { ServerObserver } from '../observe/observer.js';
import type { UserEntry } from '../users/directory.js';
import type { User } from '../users/user.js';
import type { AcceptFlow, AuthorizeListen, DestinationPolicy, Dialer } from './hooks.js';

/**
 * What `createServer` takes. One of `token`, `users` and `authenticate` has to be given. `U` is what `authenticate`
 * returns: it may know more of a user than this server has to.
 */
export interface ServerOptions<U extends User = User> extends DestinationRules {
  /** What clients must present, when there is one user (`default`): 32 to 4096 characters. */
  readonly token?: string;
  /** The users, in place of `token`; `setUsers` exchanges them. */
  readonly users?: readonly UserEntry[];
  /** Says who makes a request, in place of `token` and `users`. */
  readonly authenticate?: Authenticate<U>;
  /** Is asked about each address before it is dialled, when the rules have allowed it. Default: the rules decide. */
  readonly policy?: DestinationPolicy<U>;
  /** Reaches destinations. Default: `direct()` of the request. */
  readonly dialer?: Dialer<U>;
  /**
   * Says whether the server itself may serve a flow of datagrams (UDP), which no `dialer` can: `policy` judges each of its
   * destinations besides. Default: it may; with a `dialer` it may not, since their traffic would go around that.
   */
  readonly acceptFlow?: AcceptFlow<U>;
  /** Whether clients may have remote listeners: ports, paths and names by which others reach them. Default false. */
  readonly reverse?: boolean;
  /**
   * Where they may listen, for users who have no rules of their own: `127.0.0.1:8000-8099`, `0.0.0.0:443`, `unix:/run/wsproxy/*`,
   * `http:*.example.org`. An empty list opens nothing. Default: loopback, from port 1024 on.
   */
  readonly allowListen?: readonly string[];
  /** Is asked about each remote listener, when the rules have allowed it. Default: the rules decide. */
  readonly authorizeListen?: AuthorizeListen<U>;
  /** By which way the server itself reaches destinations; default directly, with the names of the system. */
  readonly egress?: EgressOptions;
  /** The one path that is served by `listen`, 1 to 1024 visible ASCII characters without `?` and `#`; default `/`. */
  readonly path?: string;
  /** How long a session is kept whose client is away, ms: 0 to 2 147 483 647; default 120 000. */
  readonly grace?: number;
  /** TLS for `listen` without a reverse proxy, 1.2 at least; default none. */
  readonly tls?: TlsOptions;
  /**
   * Folder of static files for anyone who may not come in, on every path: a wrong token is then answered like a wrong
   * path, by a file or 404. Default none: a wrong token gets 401, a wrong path 404.
   */
  readonly decoy?: string;
  /** Pages whose scripts may connect, such as `https://example.org`; default none. */
  readonly allowOrigins?: readonly string[];
  /**
   * Lets users come in by tickets (`createTicket`): `true`, or a path other than `path` on which `listen` gives them to those
   * who have a token. Default: there are none.
   */
  readonly tickets?: string | true;
  /**
   * Serves clients that speak Wisp (v86, libcurl.js, epoxy) on this path and below it: it begins and ends with `/`. They come in by a wisp
   * token, which stands in the path behind it (`/wisp/TOKEN/`), or by the name and wisp token of a user in version 2. It takes `users`.
   * Default: there are none.
   */
  readonly wisp?: string;
  /** What clients of Wisp 2 show to people, 1 to 1024 characters; default nothing. */
  readonly wispMotd?: string;
  /** Whose X-Forwarded-For is believed for logs: addresses, CIDR ranges, or `unix` for Unix sockets; default nobody's. */
  readonly trustedProxies?: readonly string[];
  /** Whether clients that no WebSocket gets through may come by ordinary requests of HTTP (`listen`). Default true. */
  readonly httpTransport?: boolean;
  /** Whether it carries datagrams (UDP). Never through an upstream proxy. Default true. */
  readonly udp?: boolean;
  /**
   * Whose datagrams reach an application: those of addresses that its flow has sent to (`address`), of addresses and ports
   * (`port`), or of anybody (`none`). Default `address`.
   */
  readonly udpFilter?: UdpFilter;
  /** Bounds, by default those of `LIMITS`, which has their units and ranges as well. */
  readonly limits?: LimitOptions;
  /**
   * Path of a file in which the bytes of the month of each user are kept, made if it is missing; of this server alone. Without
   * it a restart forgets them.
   */
  readonly quotaFile?: string;
  /**
   * What clients, and other servers of a cluster, call this server: 1 to 32 of `a-z`, `0-9` and `-`. Default: the host name without
   * its domain, made to fit.
   */
  readonly node?: string;
  /** Default: silent. */
  readonly logger?: Logger;
  /**
   * Logs one line for each channel when it is over. Without it no line of the log says what users connect to. Default
   * true.
   */
  readonly accessLog?: boolean;
  /** Is told what happens, for logs and figures of your own. */
  readonly observer?: ServerObserver;
}
