import { isIPv6 } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { escapeText } from './escape-text.js';
import { ExitCode, ExitError } from './exit-code.js';

/** Where a program accepts connections. */
export interface ListenAddress {
  /** A name or an IP literal, IPv6 without brackets. */
  readonly host: string;
  /** 0 lets the system choose a free port. */
  readonly port: number;
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

/** `host:port` with IPv6 in brackets; what `parseListenAddress` reads. */
export function formatListenAddress(address: ListenAddress): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

const CAUSES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use; end the other program or choose another port with --listen',
  EACCES: 'no permission; choose a port above 1023 with --listen',
  EADDRNOTAVAIL: 'this machine has no such address; choose another with --listen',
  EAFNOSUPPORT: 'this machine has no such address family; choose another address with --listen',
  ENOTFOUND: 'no such host name; choose an address of this machine with --listen',
};

/** What to tell the user when `listen` has failed with `error`: exit code 1 and one line without a stack trace. */
export function explainListenError(error: Error, address: ListenAddress): ExitError {
  const cause = CAUSES[(error as NodeJS.ErrnoException).code ?? ''] ?? escapeText(error.message);
  return new ExitError(ExitCode.failed, `cannot listen on ${formatListenAddress(address)}: ${cause}`, { cause: error });
}
