import { closeSync, openSync, readSync } from 'node:fs';
import { checkSecret, decodeText, ExitCode, ExitError, escapeText, whyUnreadable } from 'wsproxy-cli';
import { OptionError } from 'wsproxy-node/options';
import type { ClientOptions } from '../index.js';

/** The flags about the way to the server that the library has in another form. */
export interface ReachFlags {
  readonly proxy?: string;
  readonly header?: readonly string[];
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
}

/** A PEM file above this is not one, bytes. */
const MAX_PEM = 4_194_304;

/** What these flags mean to the client. `fromEnvironment` gives the proxy that the environment names for a server. */
export function readReach(
  { proxy, header = [], ca, cert, key, ipv4, ipv6 }: ReachFlags,
  fromEnvironment: (server: string) => string | undefined,
): Partial<ClientOptions> {
  return {
    headers: parseHeaders(header),
    ...(proxy === undefined && { proxy: fromEnvironment }),
    // In place of the word that the flag takes.
    ...(proxy === 'none' && { proxy: () => undefined }),
    ...(ca !== undefined && { ca: readPem('--ca', ca) }),
    ...(cert !== undefined && { cert: readPem('--cert', cert) }),
    ...(key !== undefined && { key: readPem('--key', key, true) }),
    ...(ipv4 === true && { family: 4 }),
    ...(ipv6 === true && { family: 6 }),
  };
}

/** @throws OptionError for what is no `Name: value` */
export function parseHeaders(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(texts.map(parseHeader));
}

function parseHeader(text: string): [name: string, value: string] {
  const colon = text.indexOf(':');
  if (colon > 0) return [text.slice(0, colon), text.slice(colon + 1).trim()];
  throw new OptionError('headers', `${JSON.stringify(text)}: expected 'Name: value'`);
}

/**
 * Reads no further than it takes to see that a file is too long: the path may name a device without an end.
 * @throws ExitError (usage) that names the file of `flag`, when it cannot be read
 */
export function readPem(flag: string, path: string, isSecret = false): string {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    const file = openSync(path, 'r');
    try {
      if (isSecret) checkSecret(file, { path, name: `${flag} ${path}`, mayBeRead: true });
      for (;;) {
        const chunk = Buffer.alloc(65_536);
        const read = readSync(file, chunk);
        if (read === 0) return decodeText(Buffer.concat(chunks));
        chunks.push(chunk.subarray(0, read));
        length += read;
        if (length > MAX_PEM) throw new Error('it is too long for a PEM file');
      }
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
