import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ListenAddress, parseListenOrUnix, repeatable, type UnixAddress } from 'wsproxy-cli';
import type { ServerOptions, TlsOptions } from '../index.js';
import { SYSTEMD, type SystemdSocket } from './systemd-socket.js';

/** Where and how the server is reached. */
export interface FrontOptions {
  readonly listen: ListenAddress | UnixAddress | SystemdSocket;
  readonly path: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly tlsClientCrl?: string;
  readonly decoy?: string;
  readonly allowOrigin?: readonly string[];
  readonly trustedProxy?: readonly string[];
}

type FrontSettings = Pick<ServerOptions, 'path' | 'tls' | 'decoy' | 'allowOrigins' | 'trustedProxies'>;

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_LISTEN = `${DEFAULT_HOST}:8080`;

export function addFrontOptions(program: Command): void {
  program
    .addOption(
      new Option('--listen <address>', 'where to accept WebSockets: [host:]port, unix:/path, or systemd for its socket')
        .argParser(parseListen)
        .default(parseListen(DEFAULT_LISTEN), DEFAULT_LISTEN),
    )
    .option('--path <path>', 'the one path that is served, anything else is 404', parsePath, '/')
    .option('--tls-cert <file>', 'serve TLS with this certificate chain in PEM form; read again when it changes')
    .option('--tls-key <file>', 'its key')
    .option('--tls-client-ca <file>', 'let in only clients that have a certificate of this authority')
    .option('--tls-client-crl <file>', 'and none whose certificate it has revoked: its revocation list in PEM form')
    .option('--decoy <dir>', 'static files to show to whoever has no token, in place of 401 and 404')
    .addOption(
      repeatable(
        new Option(
          '--allow-origin <origin>',
          'page whose scripts may connect, such as https://example.org; repeatable',
        ),
        parseOrigin,
      ),
    )
    .addOption(
      repeatable(
        new Option(
          '--trusted-proxy <range>',
          'whose X-Forwarded-For to believe, such as 10.0.0.0/8, or unix; repeatable',
        ),
        (text) => text,
      ),
    );
}

function parseListen(text: string): FrontOptions['listen'] {
  return text === SYSTEMD ? { systemd: true } : parseListenOrUnix(text, DEFAULT_HOST);
}

function parsePath(text: string): string {
  if (/^\/[\x21-\x7e]*$/.test(text) && !/[?#]/.test(text)) return text;
  throw new InvalidArgumentError('Expected a path such as /tunnel.');
}

/** As browsers write it (RFC 6454 section 6.2), since it is compared byte for byte. */
function parseOrigin(text: string): string {
  if (text === 'null' || (URL.canParse(text) && new URL(text).origin === text)) return text;
  if (/^[a-z][a-z\d+.-]*-extension:\/\/[^/\s]+$/.test(text)) return text;
  throw new InvalidArgumentError('Expected an origin without a path, such as https://example.org.');
}

/** What `Server` takes of them; the files for TLS have been read. */
export function frontSettings(options: FrontOptions, tls: TlsOptions | undefined): FrontSettings {
  const { path, decoy, allowOrigin = [], trustedProxy = [] } = options;
  return {
    path,
    allowOrigins: allowOrigin,
    trustedProxies: trustedProxy,
    ...(tls !== undefined && { tls }),
    ...(decoy !== undefined && { decoy }),
  };
}
