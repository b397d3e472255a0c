import type { EgressOptions } from 'wsproxy-node/dial';
import { LONGEST_TIME, type OptionRule } from 'wsproxy-node/options';
import type { TlsOptions } from '../gateway/tls.js';
import { LIMITS, type LimitName, type LimitRule } from '../limits/limits.js';
import type { ServerOptions } from './server-options.js';
import type { ServerUnit } from './server-unit.js';

type Group = 'egress' | 'tls' | 'limits';
/** Of the library. */
type OptionName =
  | Exclude<keyof ServerOptions, Group>
  | `egress.${keyof EgressOptions}`
  | `tls.${keyof TlsOptions}`
  | `limits.${LimitName}`;
/** What only the command line has; it stands in the arguments of methods. */
type CommandOption =
  | ClusterOption
  | 'listen'
  | 'workers'
  | 'retire'
  | 'name'
  | 'drain'
  | 'admin'
  | 'adminHost'
  | 'health'
  | 'reverseHttp';
/** Of the door for other servers, and of what they share. */
type ClusterOption =
  | 'cluster'
  | 'clusterAdvertise'
  | 'storeAway'
  | 'usersFromStore'
  | 'peer'
  | 'clusterListen'
  | 'clusterCert'
  | 'clusterKey'
  | 'clusterCa';

/** Heading of the help for what servers behind one balancer need. */
const SEVERAL = 'Several servers:';

/** Every option of the server, in the order of its help. */
export const OPTIONS: Readonly<Record<OptionName | CommandOption, OptionRule<ServerUnit>>> = {
  listen: {
    flags: '--listen <address>',
    unit: 'server address',
    default: '127.0.0.1:8080',
    library: 'listen({ host, port })',
    usual: 'where to accept clients (127.0.0.1:8080)',
    text: 'where to accept WebSockets: [host:]port, unix:/path, or systemd for its socket',
  },
  workers: {
    flags: '--workers <number>',
    unit: 'workers',
    library: false,
    otherwise: 'one process alone',
    usual: 'serve from so many processes, or auto',
    text: 'serve from that many processes behind one that listens, or auto for one a core; SIGUSR2 then exchanges them, and nobody notices (docs/deploy.md)',
  },
  path: {
    flags: '--path <path>',
    unit: 'path',
    default: '/',
    usual: 'path of the URL (/)',
    text: 'the one path that is served, anything else is 404',
  },
  'tls.cert': {
    flags: '--tls-cert <file>',
    unit: 'PEM',
    usual: 'serve TLS: the certificate chain',
    text: 'serve TLS with this certificate chain in PEM form; read again when it changes',
  },
  'tls.key': { flags: '--tls-key <file>', unit: 'PEM key', secret: true, usual: 'serve TLS: its key', text: 'its key' },
  'tls.clientCa': {
    flags: '--tls-client-ca <file>',
    unit: 'PEM',
    text: 'let in only clients that have a certificate of this authority',
  },
  'tls.clientCrl': {
    flags: '--tls-client-crl <file>',
    unit: 'PEM',
    text: 'and none whose certificate it has revoked: its revocation list in PEM form',
  },
  decoy: {
    flags: '--decoy <dir>',
    unit: 'folder',
    text: 'static files to show to everybody without a token, in place of 401 and 404',
  },
  allowOrigins: {
    flags: '--allow-origin <origin>',
    unit: 'origin',
    list: true,
    text: 'page whose scripts may connect, such as https://example.org',
  },
  tickets: {
    flags: '--tickets <path>',
    unit: 'ticket path',
    text: 'a second path, on which a POST with a token gets a ticket: it lets in a page of --allow-origin once, within 30 s (docs/users.md)',
  },
  wisp: {
    flags: '--wisp <path>',
    unit: 'wisp path',
    text: 'a path such as /wisp/, below which clients that speak Wisp (v86, libcurl.js, epoxy) come in by wisp tokens of --users (docs/wisp.md)',
  },
  wispMotd: {
    flags: '--wisp-motd <text>',
    unit: 'message',
    text: 'with --wisp: what clients of Wisp 2 show to people',
  },
  trustedProxies: {
    flags: '--trusted-proxy <range>',
    unit: 'range',
    list: true,
    usual: 'whose X-Forwarded-For to believe',
    text: 'whose X-Forwarded-For to believe, such as 10.0.0.0/8, or unix',
  },
  users: {
    flags: '--users <file>',
    unit: 'users',
    secret: true,
    usual: 'file with users, tokens, rules and limits',
    text: 'file with the users, their tokens, rules and limits (docs/users.md); read again on SIGHUP and when it changes',
  },
  token: {
    flags: '--token-file <file>',
    unit: 'token',
    env: 'WSPROXY_TOKEN',
    secret: true,
    usual: 'file with the token, or WSPROXY_TOKEN',
    text: 'file with the token of the one user there is, or several, one a line; read again on SIGHUP and when it changes',
  },
  authenticate: { unit: 'function', text: 'says who makes a request, in place of token and users' },
  allow: {
    flags: '--allow <rule>',
    unit: 'allow rule',
    list: true,
    usual: 'open destinations that are closed',
    text: 'open destinations that are denied by default: 10.1.0.0/16:5432, 10.1.0.9:53/udp (docs/policy.md)',
  },
  deny: {
    flags: '--deny <rule>',
    unit: 'rule',
    list: true,
    usual: 'close destinations',
    text: "close destinations, even those that are allowed: 203.0.113.7, '*.example.org'; '*' closes all that --allow does not name",
  },
  allowPrivate: {
    flags: '--allow-private',
    unit: 'switch',
    default: false,
    usual: 'open private addresses',
    text: 'allow destinations on loopback, private and link-local addresses',
  },
  allowPorts: {
    flags: '--allow-port <ports>',
    unit: 'ports',
    list: true,
    text: 'open ports that are denied by default, which is 25',
  },
  policy: { unit: 'function', otherwise: 'the rules decide', text: 'is asked about each address that the rules allow' },
  dialer: { unit: 'function', otherwise: 'direct()', text: 'reaches destinations' },
  acceptFlow: {
    unit: 'function',
    otherwise: 'true; with a dialer, false',
    text: 'says whether the server may serve a flow of datagrams (UDP)',
  },
  httpTransport: {
    flags: '--no-http-transport',
    unit: 'switch',
    default: true,
    text: 'serve clients by WebSocket alone, and none by ordinary requests, which pass where WebSockets are blocked',
  },
  udp: { flags: '--no-udp', unit: 'switch', default: true, text: 'carry no datagrams (UDP)' },
  udpFilter: {
    flags: '--udp-filter <kind>',
    unit: 'choice',
    choices: ['address', 'port', 'none'],
    default: 'address',
    text: "whose datagrams reach an application: those of addresses it has sent to, of addresses and ports, or anybody's",
  },
  reverse: {
    flags: '--reverse',
    unit: 'switch',
    default: false,
    usual: 'let clients listen here (-R)',
    text: 'let clients listen on ports of this server, which lead to services of the clients (-R)',
  },
  allowListen: {
    flags: '--allow-listen <rule>',
    unit: 'listen rule',
    list: true,
    otherwise: '127.0.0.1:1024-65535 and [::1]:1024-65535',
    text: 'where clients may listen: 127.0.0.1:8000-8099, 0.0.0.0:443, unix:/run/wsproxy/*, http:*.example.org (docs/policy.md)',
  },
  reverseHttp: {
    flags: '--reverse-http <[host:]port>',
    unit: 'address',
    library: 'listenReverseHttp({ host, port })',
    text: 'with --reverse: one port for many host names, HTTP and TLS (-R http:..., -R tls:..., docs/reverse-http.md); off unless given; unix:/path works too',
  },
  authorizeListen: {
    unit: 'function',
    otherwise: 'the rules decide',
    text: 'is asked about each remote listener that the rules allow',
  },
  'egress.upstream': {
    flags: '--upstream <url>',
    unit: 'proxy',
    secret: true,
    text: 'reach every destination through a proxy, and carry no UDP: socks5://user:password@host:port or http://...; a password is safer in a --config file',
  },
  'egress.bindAddresses': {
    flags: '--bind-address <address>',
    unit: 'IP address',
    list: true,
    text: 'dial from this address, one of IPv4 and one of IPv6',
  },
  'egress.prefer': {
    flags: '--prefer <family>',
    unit: 'choice',
    choices: ['ipv4', 'ipv6'],
    otherwise: 'as names are answered',
    text: 'dial this family first',
  },
  'egress.nameservers': {
    flags: '--dns <server>',
    unit: 'nameserver',
    list: true,
    text: 'ask this nameserver, an address with or without a port, in place of the system',
  },
  grace: {
    flags: '--grace <duration>',
    unit: 'ms',
    default: 120_000,
    min: 0,
    max: LONGEST_TIME,
    text: 'how long connections survive without a way to the client',
  },
  drain: {
    flags: '--drain <duration>',
    unit: 'ms',
    default: 30_000,
    min: 0,
    max: LONGEST_TIME,
    library: 'close({ drain })',
    text: 'how long running connections may take to finish after SIGTERM or SIGINT',
  },
  retire: {
    flags: '--retire <duration>',
    unit: 'ms',
    default: 3_600_000,
    min: 0,
    max: LONGEST_TIME,
    library: 'retire(time)',
    text: 'with --workers: how long those that were exchanged keep the connections that they have, before --drain counts',
  },
  admin: {
    flags: '--admin <[host:]port>',
    unit: 'address',
    library: 'createAdmin(server)',
    usual: 'serve metrics, health and sessions',
    text: 'where to serve /metrics, /healthz, /readyz and /sessions; off unless given; unix:/path works too',
  },
  adminHost: {
    flags: '--admin-host <name>',
    unit: 'name',
    list: true,
    library: 'createAdmin(server, { hosts })',
    text: 'name that the pages of --admin and --health may be asked by besides, such as that of a container',
  },
  health: {
    flags: '--health <[host:]port>',
    unit: 'address',
    library: 'createHealth(server)',
    text: 'where to serve /healthz and /readyz besides, for probes: no flood of the other ports reaches it; unix:/path works too',
  },
  quotaFile: {
    flags: '--quota-file <path>',
    unit: 'state file',
    otherwise: 'a restart forgets them',
    text: 'keep the bytes of the month of each user in this file, made if it is missing (docs/limits.md)',
  },
  name: {
    flags: '--name <text>',
    unit: 'server name',
    library: false,
    otherwise: 'none',
    text: 'stands as `server` in every line of the log, where there are several servers',
  },
  node: {
    group: SEVERAL,
    flags: '--node <name>',
    unit: 'node name',
    otherwise: 'the host name',
    text: 'what clients, and other servers of a cluster, call this server: 1 to 32 of a-z, 0-9 and -',
  },
  clusterListen: {
    group: SEVERAL,
    flags: '--cluster-listen <[host:]port>',
    unit: 'TCP address',
    library: 'listenInner({ host, port })',
    text: 'where the other servers of a cluster bring clients that come back for a session here, over TLS; takes --node, --cluster-cert, --cluster-key and --cluster-ca',
  },
  peer: {
    group: SEVERAL,
    flags: '--peer <name=host:port>',
    unit: 'peer',
    list: true,
    library: 'listenInner({ peers })',
    text: 'a server of the cluster: its --node, and where its --cluster-listen is reached; all may have the same list',
  },
  clusterCert: {
    group: SEVERAL,
    flags: '--cluster-cert <file>',
    unit: 'PEM',
    library: 'listenInner({ tls })',
    text: 'certificate by which the servers of a cluster know each other; read again when it changes',
  },
  clusterKey: {
    group: SEVERAL,
    flags: '--cluster-key <file>',
    unit: 'PEM key',
    secret: true,
    library: 'listenInner({ tls })',
    text: 'its key',
  },
  clusterCa: {
    group: SEVERAL,
    flags: '--cluster-ca <file>',
    unit: 'PEM',
    library: 'listenInner({ tls })',
    text: 'the authority that has issued it and those of the other servers, and nothing else: they trust each other',
  },
  cluster: {
    group: SEVERAL,
    flags: '--cluster <url>',
    unit: 'store address',
    secret: true,
    library: 'share({ store })',
    text: 'a Valkey or Redis in which the servers of a cluster count limits together, and tell whose token was removed: redis://host:6379 or rediss://user:password@host:6379 (docs/store.md). A password is safer in a --config file',
  },
  clusterAdvertise: {
    group: SEVERAL,
    flags: '--cluster-advertise <host:port>',
    unit: 'advertised address',
    library: 'share({ advertise })',
    text: 'with --cluster: where the other servers reach --cluster-listen of this one, so that they need no --peer for it',
  },
  storeAway: {
    group: SEVERAL,
    flags: '--store-away <way>',
    unit: 'choice',
    choices: ['admit', 'refuse'],
    default: 'admit',
    library: 'share({ away })',
    text: 'while the store is away: admit what is new up to the part of this server of each limit, or refuse it',
  },
  usersFromStore: {
    group: SEVERAL,
    flags: '--users-from-store <path>',
    unit: 'state file',
    library: false,
    conflicts: ['users', 'tokenFile'],
    otherwise: 'each server has its own --users',
    text: 'with --cluster: the users are those of wsproxy-server users put; this file, made if it is missing, is a copy for when the store is away (docs/users.md)',
  },
  accessLog: {
    flags: '--no-access-log',
    unit: 'switch',
    default: true,
    text: 'log no line per connection, and nothing of what users connect to',
  },
  logger: { unit: 'logger', otherwise: 'silent', text: 'is given fields and a message for each line' },
  observer: { unit: 'observer', text: 'is told what happens' },
  ...limitOptions(),
};

function limitOptions(): Record<`limits.${LimitName}`, LimitRule & { readonly group: string }> {
  const rows = Object.entries(LIMITS).map(([name, rule]) => [`limits.${name}`, { ...rule, group: 'Limits:' }]);
  return Object.fromEntries(rows) as ReturnType<typeof limitOptions>;
}
