import { closeSync, openSync, readSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { checkSecret, ExitCode, ExitError, repeatable } from 'wsproxy-cli';
import type { ClientOptions } from '../index.js';

/** How the server is reached. */
export interface ReachOptions {
  /** One for all servers, or one for each. */
  readonly tokenFile?: readonly string[];
  readonly insecure?: boolean;
  readonly proxy?: string;
  readonly header?: readonly string[];
  readonly host?: string;
  readonly sni?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly pin?: readonly string[];
  readonly resolve?: readonly string[];
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
}

/** A PEM file above this is not one, bytes. */
const MAX_PEM = 4_194_304;

export function addReachOptions(program: Command): void {
  program
    .addOption(
      repeatable(
        new Option(
          '--token-file <file>',
          'file with the token of the server, or one for each server; WSPROXY_TOKEN is the other way',
        ),
        String,
      ),
    )
    .option('--insecure', 'allow ws:// that leaves this machine, where everybody on the way can read the token')
    .option(
      '-x, --proxy <url>',
      'reach the server through socks5:// or http://[user:password@]host:port, or none (default: HTTPS_PROXY, ' +
        'ALL_PROXY, NO_PROXY)',
    )
    .addOption(repeatable(new Option('-H, --header <name: value>', 'add a header to the request; repeatable'), String))
    .option('--host <name>', "Host header in place of the URL's host")
    .option('--sni <name>', "name to ask for in TLS, and expect in the certificate, in place of the URL's host")
    .option('--ca <file>', 'authorities to trust in place of the built-in ones, PEM')
    .option('--cert <file>', 'client certificate, PEM')
    .option('--key <file>', 'its key, PEM')
    .addOption(
      repeatable(new Option('--pin <sha256//...>', "the server's public key must be this; repeatable"), String),
    )
    .addOption(repeatable(new Option('--resolve <host:port:address>', 'address of a name; repeatable'), String))
    .addOption(new Option('-4, --ipv4', 'reach the server over IPv4 only').conflicts('ipv6'))
    .addOption(new Option('-6, --ipv6', 'reach the server over IPv6 only').conflicts('ipv4'));
}

/** What the flags mean to the client. `fromEnvironment` gives the proxy that the environment names for a server. */
export function readReach(
  options: ReachOptions,
  fromEnvironment: (server: string) => string | undefined,
): Omit<ClientOptions, 'url' | 'token' | 'fallbacks'> {
  const { insecure, host, sni, ca, cert, key, ipv4, ipv6 } = options;
  const proxy = options.proxy ?? fromEnvironment;
  return {
    insecure: insecure ?? false,
    headers: Object.fromEntries((options.header ?? []).map(parseHeader)),
    pins: options.pin ?? [],
    resolve: options.resolve ?? [],
    ...(proxy !== 'none' && { proxy }),
    ...(host !== undefined && { host }),
    ...(sni !== undefined && { sni }),
    ...(ca !== undefined && { ca: readPem('--ca', ca) }),
    ...(cert !== undefined && { cert: readPem('--cert', cert) }),
    ...(key !== undefined && { key: readPem('--key', key, true) }),
    ...(ipv4 === true && { family: 4 }),
    ...(ipv6 === true && { family: 6 }),
  };
}

function parseHeader(text: string): [name: string, value: string] {
  const colon = text.indexOf(':');
  if (colon > 0) return [text.slice(0, colon), text.slice(colon + 1).trim()];
  throw new ExitError(ExitCode.usage, `--header ${JSON.stringify(text)}: expected 'Name: value'`);
}

/** Reads no further than it takes to see that a file is too long: the path may name a device without an end. */
function readPem(flag: string, path: string, isSecret = false): string {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    const file = openSync(path, 'r');
    try {
      if (isSecret) checkSecret(file, { path, name: `${flag} ${path}`, mayBeRead: true });
      for (;;) {
        const chunk = Buffer.alloc(65_536);
        const read = readSync(file, chunk);
        if (read === 0) return Buffer.concat(chunks).toString('utf8');
        chunks.push(chunk.subarray(0, read));
        length += read;
        if (length > MAX_PEM) throw new Error('it is too long for a PEM file');
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof ExitError) throw error;
    throw new ExitError(ExitCode.usage, `${flag} ${path}: ${(error as Error).message}`, { cause: error });
  }
}
