import { X509Certificate } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import {
  checkSecret,
  decodeText,
  ExitCode,
  ExitError,
  escapeText,
  type ProgramLogger,
  watchFile,
  whyUnreadable,
} from 'wsproxy-cli';
import { OptionError } from 'wsproxy-node/options';
import type { Server, TlsOptions } from '../index.js';

const DAY = 86_400_000;
/** A certificate that nobody has renewed by then is one that nobody renews, ms. */
const EXPIRES_SOON = 14 * DAY;

/** The flags that name files for TLS. */
export interface TlsFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly tlsClientCrl?: string;
}

/** The files that they name. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCa?: string;
  readonly clientCrl?: string;
}

/** @throws OptionError when a flag is missing beside another */
export function tlsFiles({ tlsCert, tlsKey, tlsClientCa, tlsClientCrl }: TlsFlags): TlsFiles | undefined {
  if (tlsClientCrl !== undefined && tlsClientCa === undefined) {
    throw new OptionError('tls.clientCrl', 'needs --tls-client-ca FILE beside it');
  }
  if (tlsCert !== undefined && tlsKey !== undefined) {
    return {
      cert: tlsCert,
      key: tlsKey,
      ...(tlsClientCa !== undefined && { clientCa: tlsClientCa }),
      ...(tlsClientCrl !== undefined && { clientCrl: tlsClientCrl }),
    };
  }
  if (tlsCert === undefined && tlsKey === undefined && tlsClientCa === undefined) return undefined;
  const given = tlsCert === undefined ? (tlsKey === undefined ? 'clientCa' : 'key') : 'cert';
  throw new OptionError(`tls.${given}`, 'TLS needs both --tls-cert FILE and --tls-key FILE');
}

/** @throws ExitError (usage) that names the file that cannot be read */
export function readTls({ cert, key, clientCa, clientCrl }: TlsFiles): TlsOptions {
  return {
    cert: readPem(cert, '--tls-cert'),
    key: readPem(key, '--tls-key', true),
    ...(clientCa !== undefined && { clientCa: readPem(clientCa, '--tls-client-ca') }),
    ...(clientCrl !== undefined && { clientCrl: readPem(clientCrl, '--tls-client-crl') }),
  };
}

/** Follows the files of --tls-cert and what belongs to it, as `follow` does. */
export function followTls(files: TlsFiles, tls: TlsOptions, server: Server, logger: ProgramLogger): () => void {
  return follow({
    ...{ name: 'TLS', certificate: 'TLS', files, now: tls, logger },
    read: () => readTls(files),
    use: (fresh) => server.setTls(fresh),
  });
}

/**
 * Tells when a certificate expires, and uses what the files hold whenever they change. What cannot be used is told, and what was
 * there before stays. Returns what reads them at once, for SIGHUP.
 */
export function follow<T extends Shown>({ name, certificate, files, now, read, use, logger }: Followed<T>): () => void {
  let expires = expiryOf(now);
  const warn = (): void => {
    const left = Date.parse(expires) - Date.now();
    if (left < 0) logger.error({ expires }, `the ${certificate} certificate has expired, renew it`);
    else if (left < EXPIRES_SOON)
      logger.warn({ expires }, `the ${certificate} certificate expires in less than 14 days, renew it`);
  };
  const reload = (): void => {
    try {
      const fresh = read();
      use(fresh);
      expires = expiryOf(fresh);
      logger.info({ expires }, `${name} is served with what the files hold now`);
      warn();
    } catch (error) {
      logger.error({ err: error }, `the files for ${name} cannot be used, those of before stay in use`);
    }
  };
  logger.info({ expires }, `${name} is served`);
  warn();
  setInterval(warn, DAY).unref();
  watchFile(Object.values(files), reload);
  return reload;
}

/** What is shown to a peer. */
type Shown = Pick<TlsOptions, 'cert'>;

interface Followed<T extends Shown> {
  /** In the log. */
  readonly name: string;
  readonly certificate: string;
  readonly files: object;
  /** What they hold now. */
  readonly now: T;
  readonly read: () => T;
  readonly use: (fresh: T) => void;
  readonly logger: ProgramLogger;
}

function expiryOf({ cert }: Shown): string {
  return new Date(new X509Certificate(cert).validTo).toISOString();
}

/** @throws ExitError (usage) that names the file of `flag`, when it cannot be read */
export function readPem(path: string, flag: string, isSecret = false): string {
  try {
    const file = openSync(path, 'r');
    try {
      if (isSecret) checkSecret(file, { path, name: `the file of ${flag} (${path})`, mayBeRead: true });
      return decodeText(readFileSync(file));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof ExitError) throw error;
    const why = escapeText(whyUnreadable(error as Error, flag));
    throw new ExitError(ExitCode.usage, `cannot read the file of ${flag} (${escapeText(path, 1024)}): ${why}`, {
      cause: error,
    });
  }
}
