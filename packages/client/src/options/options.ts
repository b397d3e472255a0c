import { LONGEST_TIME, type OptionRule } from 'wsproxy-node/options';
import { TRANSPORT_CHOICES } from '../reach/transport-choice.js';
import type { ClientOptions } from './client-options.js';

/** Units of the client's options beside numbers, choices and switches; `OPTION_CHECKS` says how their values are checked. */
export type ClientUnit =
  | 'address'
  | 'advertised'
  | 'allow rule'
  | 'archive'
  | 'command'
  | 'fallbacks'
  | 'file'
  | 'forward'
  | 'remote forward'
  | 'headers'
  | 'inspect rule'
  | 'host'
  | 'logger'
  | 'name'
  | 'PEM'
  | 'PEM key'
  | 'pin'
  | 'proxy'
  | 'resolution'
  | 'rule'
  | 'signal'
  | 'socket path'
  | 'TCP address'
  | 'target'
  | 'token'
  | 'URL';

/** What only the command line has; it stands in the arguments of methods, or nowhere. */
type CommandOption =
  | 'listen'
  | 'forward'
  | 'remoteForward'
  | 'proxyProtocol'
  | 'reverseAllow'
  | 'exitOnForwardFailure'
  | 'stdio'
  | 'control'
  | 'socksAuth'
  | 'udpAdvertise'
  | 'inspect'
  | 'inspectOut'
  | 'inspectScript'
  | 'inspectSecrets'
  | 'status'
  | 'tokenCommand'
  | 'noCommand'
  | 'ipv4'
  | 'ipv6';

/** Every option of the client, in the order of its help. The letters are those of ssh and curl. */
export const OPTIONS: Readonly<Record<keyof ClientOptions | CommandOption, OptionRule<ClientUnit>>> = {
  url: {
    flags: '[url...]',
    unit: 'URL',
    usual: 'the server: wss://host[:port]/path',
    text: 'the server: wss://host[:port]/path; more of them serve while those before do not answer',
  },
  fallbacks: { unit: 'fallbacks', text: 'servers to use while those before them do not answer, in this order' },
  listen: {
    flags: '-D, --listen <[bind:]port>',
    unit: 'address',
    list: true,
    library: 'listen({ host, port })',
    otherwise: '127.0.0.1:1080 if there is no -L, -R or --control',
    usual: 'SOCKS and HTTP proxy (port 1080)',
    text: 'where to offer SOCKS5, SOCKS4a and HTTP proxying, or unix:/path',
  },
  forward: {
    flags: '-L, --forward <port:host:hostport>',
    unit: 'forward',
    list: true,
    library: 'forward({ host, port, target })',
    usual: 'a port here leads to one place',
    text: 'carry what connects to [bind:]port or unix:/path to one destination; with /udp behind it, datagrams; ports may be ranges, 8000-8010:host:8000-8010',
  },
  remoteForward: {
    flags: '-R, --remote-forward <port:host:hostport>',
    unit: 'remote forward',
    list: true,
    library: 'forwardRemote({ host, port, target })',
    usual: 'a port of the server leads to here',
    text: 'have the server listen on [bind:]port; what connects there is carried to host:hostport as seen from here. [bind:]port alone is a SOCKS and HTTP proxy. Also ranges, port 0, /udp, /proxy-v2, paths: docs/reverse.md',
  },
  proxyProtocol: {
    flags: '--proxy-protocol <version>',
    unit: 'choice',
    choices: ['v2'],
    library: 'forwardRemote({ proxyProtocol })',
    text: 'tell the destination of each -R who connects, by the PROXY protocol; for one -R alone write /proxy-v2 behind it',
  },
  reverseAllow: {
    flags: '--reverse-allow <rule>',
    unit: 'allow rule',
    list: true,
    library: 'forwardRemote({ proxy, allow })',
    text: 'what a -R with a port alone may dial from here, besides public addresses: 10.0.0.0/8, 192.168.1.7, each with or without :ports',
  },
  exitOnForwardFailure: {
    flags: '--exit-on-forward-failure',
    unit: 'switch',
    default: false,
    library: false,
    text: 'end with exit code 1 when the server refuses a -R at the start; without this, the client asks again later',
  },
  stdio: {
    flags: '-W, --stdio <host:port>',
    unit: 'target',
    library: 'pipe(target, input, output)',
    conflicts: ['listen', 'forward', 'remoteForward', 'status'],
    usual: 'as ProxyCommand of ssh',
    text: 'carry standard input and output to one destination, as for ProxyCommand of ssh, then exit',
  },
  control: {
    flags: '--control <path>',
    unit: 'socket path',
    library: 'serveControl({ path })',
    text: 'Unix socket of a client that runs: it listens there, and -W goes through it, without a connection of its own',
  },
  socksAuth: {
    flags: '--socks-auth <file>',
    unit: 'file',
    library: 'listen({ users })',
    secret: true,
    text: 'file with lines user:password or user:sha256:HEX, who alone may use --listen',
  },
  udpAdvertise: {
    flags: '--udp-advertise <address>',
    unit: 'advertised',
    library: 'listen({ udpAdvertise })',
    text: 'where SOCKS5 applications are told to send datagrams, for NAT and containers; 203.0.113.7:5000-5100 also says at which ports they are received',
  },
  bypass: {
    flags: '--bypass <rule>',
    unit: 'rule',
    list: true,
    usual: 'what to reach past the tunnel',
    text: "what --listen dials from here, past the tunnel: printer.lan, '*.corp.example', 10.0.0.0/8, each with or without :ports",
  },
  inspect: {
    flags: '--inspect <rule>',
    unit: 'inspect rule',
    list: true,
    library: 'inspect({ rules, folder, watcher })',
    text: 'what to look into: the messages of HTTP and WebSocket with these hosts, also over TLS, for applications that trust the CA of this client; rules as of --bypass, but each names hosts',
  },
  inspectOut: {
    flags: '--inspect-out <path>',
    unit: 'archive',
    library: 'inspect({ archive })',
    text: 'where to write what --inspect sees: a HAR file, as browsers have it; one that is there already is continued',
  },
  inspectScript: {
    flags: '--inspect-script <file>',
    unit: 'file',
    library: 'inspect({ script })',
    text: 'a module for Node that sees what --inspect sees, and may change or answer it; it runs with all that this user may do',
  },
  inspectSecrets: {
    flags: '--inspect-secrets',
    unit: 'switch',
    default: false,
    library: 'inspect({ secrets })',
    text: 'whether --inspect shows and writes passwords, tokens and cookies too; they are masked unless given',
  },
  status: {
    flags: '--status <[host:]port>',
    unit: 'TCP address',
    library: 'serveStatus({ host, port })',
    usual: 'page that shows the tunnel',
    text: 'where to serve a status page for browsers, and proxy.pac; off unless given',
  },
  noCommand: {
    flags: '-N',
    unit: 'switch',
    default: false,
    library: false,
    text: 'accepted, as ssh has it, and without effect',
  },
  token: {
    flags: '--token-file <file>',
    unit: 'token',
    list: 'flag',
    env: 'WSPROXY_TOKEN',
    secret: true,
    usual: 'token (or WSPROXY_TOKEN)',
    text: 'file with the token of the server, or one for each server; read again when it changes',
  },
  tokenCommand: {
    flags: '--token-command <command>',
    unit: 'command',
    library: 'token: () => ...',
    conflicts: ['tokenFile'],
    text: 'command for the shell that prints the token; asked again when the server refuses the one it gave',
  },
  insecure: {
    flags: '--insecure',
    unit: 'switch',
    default: false,
    text: 'allow ws:// that leaves this machine, where everybody on the way can read the token',
  },
  proxy: {
    flags: '-x, --proxy <url>',
    unit: 'proxy',
    otherwise: 'HTTPS_PROXY, ALL_PROXY, NO_PROXY',
    secret: true,
    usual: 'proxy on the way to the server',
    text: 'reach the server through socks5:// or http://[user:password@]host:port, or none',
  },
  headers: {
    flags: '-H, --header <name: value>',
    unit: 'headers',
    list: 'flag',
    text: 'add a header to the request',
  },
  host: { flags: '--host <name>', unit: 'host', text: "Host header in place of the URL's host" },
  sni: {
    flags: '--sni <name>',
    unit: 'name',
    text: "name to ask for in TLS, and expect in the certificate, in place of the URL's host",
  },
  ca: { flags: '--ca <file>', unit: 'PEM', text: 'authorities to trust in place of the built-in ones, PEM' },
  cert: { flags: '--cert <file>', unit: 'PEM', text: 'client certificate, PEM' },
  key: { flags: '--key <file>', unit: 'PEM key', secret: true, text: 'its key, PEM' },
  pins: {
    flags: '--pin <sha256//...>',
    unit: 'pin',
    list: true,
    text: "the server's public key must be this",
  },
  resolve: { flags: '--resolve <host:port:address>', unit: 'resolution', list: true, text: 'address of a name' },
  family: { unit: 'choice', choices: [4, 6], otherwise: 'either', text: 'version of IP to the server' },
  ipv4: {
    flags: '-4, --ipv4',
    unit: 'switch',
    default: false,
    library: 'family: 4',
    conflicts: ['ipv6'],
    text: 'reach the server over IPv4 only',
  },
  ipv6: {
    flags: '-6, --ipv6',
    unit: 'switch',
    default: false,
    library: 'family: 6',
    conflicts: ['ipv4'],
    text: 'reach the server over IPv6 only',
  },
  grace: {
    flags: '--grace <duration>',
    unit: 'ms',
    default: 120_000,
    min: 0,
    max: LONGEST_TIME,
    text: 'how long connections survive without a way to the server',
  },
  heartbeat: {
    flags: '--heartbeat <duration>',
    unit: 'ms',
    default: 15_000,
    // What HELLO may say of it: PROTOCOL.md.
    min: 5_000,
    max: 600_000,
    text: 'silence after which either end sends something, {range}',
  },
  connections: {
    flags: '--connections <number>',
    unit: 'count',
    default: 1,
    min: 1,
    max: 16,
    text: 'WebSockets to spread the connections over',
  },
  transport: {
    flags: '--transport <way>',
    unit: 'choice',
    choices: [...TRANSPORT_CHOICES],
    default: 'auto',
    text: 'how to reach the server: by WebSocket (ws), by WebSocket over HTTP/2 (h2), by ordinary HTTP requests (http), or by what gets through, WebSocket first (auto)',
  },
  optimistic: {
    flags: '--optimistic',
    unit: 'switch',
    default: false,
    text: 'answer applications before the destination was dialled; a failure is then a reset',
  },
  logger: { unit: 'logger', otherwise: 'silent', text: 'is given fields and a message for each line' },
};

/** What measuring the throughput may move, bytes: enough for windows to grow. */
export const THROUGHPUT = 67_108_864;

/** Those that the command `doctor` has beside the client's. */
export const DOCTOR_OPTIONS: Readonly<
  Record<'reach' | 'idle' | 'quick' | 'throughput' | 'json' | 'signal', OptionRule<ClientUnit>>
> = {
  reach: {
    flags: '--to <host:port>',
    unit: 'target',
    list: true,
    text: 'a destination to reach through the tunnel',
  },
  idle: {
    flags: '--idle <duration>',
    unit: 'ms',
    min: 1_000,
    max: 590_000,
    zero: 'off',
    text: 'measure for so long when a silent connection is cut, {range}',
  },
  quick: {
    flags: '--quick',
    unit: 'switch',
    default: false,
    text: 'leave out what takes long: throughput and heartbeat',
  },
  throughput: {
    flags: '--throughput <size>',
    unit: 'bytes',
    default: THROUGHPUT,
    min: 1_048_576,
    max: 1_073_741_824,
    zero: 'off',
    text: 'bytes that measuring the throughput may move at most, both ways together',
  },
  signal: { unit: 'signal', text: 'gives up' },
  json: {
    flags: '--json',
    unit: 'switch',
    default: false,
    library: false,
    text: 'print one JSON document instead of lines',
  },
};
