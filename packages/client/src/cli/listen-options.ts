import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ListenAddress, parseListenAddress, parseListenOrUnix, repeatable, type UnixAddress } from 'wsproxy-cli';

/** What local applications are offered. */
export interface ListenOptions {
  /** -D: where SOCKS and HTTP proxying is offered; by default at DEFAULT_LISTEN, unless something else is asked for. */
  readonly listen?: readonly (ListenAddress | UnixAddress)[];
  /** -L */
  readonly forward?: readonly Forward[];
  /** Of --listen: file with the users that may use it. */
  readonly socksAuth?: string;
  /** Of --listen: what is dialled from here. */
  readonly bypass?: readonly string[];
  /** Where the status page is served. */
  readonly status?: ListenAddress;
  /** -W: `host:port`. */
  readonly stdio?: string;
}

/** One -L: what is accepted at `at` goes to `target`, which is `host:port`. */
export interface Forward {
  readonly at: ListenAddress | UnixAddress;
  readonly target: string;
}

const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_LISTEN: ListenAddress = { host: DEFAULT_HOST, port: 1080 };
/** The target is what follows the last colon but one, which is not in brackets. */
const FORWARD = /^(?<at>.+):(?<target>(?:\[[^\]]+\]|[^:[\]]+):\d{1,5})$/;

/** The letters are those of ssh. */
export function addListenOptions(program: Command): void {
  program
    .addOption(
      repeatable(
        new Option(
          '-D, --listen <[bind:]port>',
          'where to offer SOCKS5, SOCKS4a and HTTP proxying, or unix:/path; repeatable (default: 127.0.0.1:1080 if there is no -L)',
        ),
        (text) => parseListenOrUnix(text, DEFAULT_HOST),
      ),
    )
    .addOption(
      repeatable(
        new Option(
          '-L, --forward <port:host:hostport>',
          'carry what connects to [bind:]port or unix:/path to one destination; repeatable',
        ),
        parseForward,
      ),
    )
    .addOption(
      new Option(
        '-W, --stdio <host:port>',
        'carry standard input and output to one destination, as for ProxyCommand of ssh, then exit',
      ).conflicts(['listen', 'forward', 'status']),
    )
    .option('--socks-auth <file>', 'file with lines user:password or user:sha256:HEX, who alone may use --listen')
    .addOption(
      repeatable(
        new Option(
          '--bypass <rule>',
          "what --listen dials from here, past the tunnel: printer.lan, '*.corp.example', 10.0.0.0/8, each with or without :ports; repeatable",
        ),
        String,
      ),
    )
    .addOption(
      new Option(
        '--status <[host:]port>',
        'where to serve a status page for browsers, and proxy.pac; off unless given',
      ).argParser((text) => parseListenAddress(text, DEFAULT_HOST)),
    )
    .addOption(new Option('-N', 'accepted, as ssh has it, and without effect'));
}

function parseForward(text: string): Forward {
  const { at, target } = FORWARD.exec(text)?.groups ?? {};
  if (at === undefined || target === undefined) {
    throw new InvalidArgumentError(
      'Expected [bind:]port:host:hostport with IPv6 in brackets, such as 8080:example.org:80, or unix:/path:host:hostport.',
    );
  }
  return { at: parseListenOrUnix(at.startsWith('/') ? `unix:${at}` : at, DEFAULT_HOST), target };
}
