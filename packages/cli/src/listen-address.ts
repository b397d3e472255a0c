import { isIPv6 } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { MAX_UNIX_PATH } from 'wsproxy-node/options';
import { escapeText } from './escape-text.js';
import { ExitCode, ExitError } from './exit-code.js';

/** Where a program accepts connections over TCP. */
export interface ListenAddress {
  /** A name or an IP literal, IPv6 without brackets. */
  readonly host: string;
  /** 0 lets the system choose a free port. */
  readonly port: number;
}

/** Where a program accepts connections of the same machine. */
export interface UnixAddress {
  readonly path: string;
}

const FORM = /^(?:(?:\[(?<ipv6>[^\]]+)\]|(?<host>[^\s:[\]/]+)):)?(?<port>\d{1,5})$/;

/**
 * Reads `[host:]port`. Without a host it is `defaultHost`, which programs set to loopback: to be reachable from other
 * machines must be asked for in so many words.
 * @throws InvalidArgumentError that says what is expected
 */
export function parseListenAddress(text: string, defaultHost: string): ListenAddress {
  const { ipv6, host = ipv6 ?? defaultHost, port } = FORM.exec(text)?.groups ?? {};
  if (port === undefined || (ipv6 !== undefined && !isIPv6(ipv6))) {
    throw new InvalidArgumentError(
      'Expected [host:]port with IPv6 in brackets, such as 1080, 0.0.0.0:1080 or [::1]:1080.',
    );
  }
  if (Number(port) > 65_535) throw new InvalidArgumentError('Expected a port from 0 to 65535.');
  return { host, port: Number(port) };
}

/** Reads `[host:]port` like `parseListenAddress`, or `unix:/path`. */
export function parseListenOrUnix(text: string, defaultHost: string): ListenAddress | UnixAddress {
  if (!text.startsWith('unix:')) return parseListenAddress(text, defaultHost);
  return { path: parseUnixPath(text.slice('unix:'.length), 'unix:/run/name.sock') };
}

/**
 * The path of a Unix socket, in a form that Node takes for one; `example` is shown in its place.
 * @throws InvalidArgumentError that says what is expected
 */
export function parseUnixPath(path: string, example = '/run/name.sock'): string {
  if (path === '' || path.includes('\0')) throw new InvalidArgumentError(`Expected a path such as ${example}.`);
  if (Buffer.byteLength(path) > MAX_UNIX_PATH) {
    throw new InvalidArgumentError(`Expected the path of a socket in at most ${MAX_UNIX_PATH} bytes.`);
  }
  // Node takes `1080`, and anything else that is a number, for a port.
  return Number.isNaN(Number(path)) ? path : `./${path}`;
}

/** `host:port` with IPv6 in brackets, or `unix:/path`; what `parseListenOrUnix` reads. */
export function formatListenAddress(address: ListenAddress | UnixAddress): string {
  if ('path' in address) return `unix:${address.path}`;
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

const CAUSES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use; choose another port with --listen, or end what has this one',
  EACCES: 'no permission; choose a port above 1023 with --listen',
  EADDRNOTAVAIL: 'this machine has no such address; choose another with --listen',
  EAFNOSUPPORT: 'this machine has no such address family; choose another address with --listen',
  ENOTFOUND: 'no such host name; choose an address of this machine with --listen',
};

const NO_FOLDER = 'no such folder, or no permission to write to it; choose another path with --listen';
const UNIX_CAUSES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there; end it or choose another path with --listen',
  EEXIST: 'there is a file that is no socket; remove it or choose another path with --listen',
  // libuv says EACCES for ENOENT too.
  ...{ EACCES: NO_FOLDER, ENOENT: NO_FOLDER },
};

/**
 * What to tell the user when `listen` has failed with `error`: exit code 1 and one line without a stack trace. `flag` is
 * the option that said where to listen.
 */
export function explainListenError(error: Error, address: ListenAddress | UnixAddress, flag = '--listen'): ExitError {
  const causes = 'path' in address ? UNIX_CAUSES : CAUSES;
  const cause = causes[(error as NodeJS.ErrnoException).code ?? ''] ?? escapeText(error.message);
  const advice = cause.replace('--listen', flag);
  const where = escapeText(formatListenAddress(address), 1024);
  return new ExitError(ExitCode.failed, `cannot listen on ${where}: ${advice}`, { cause: error });
}
