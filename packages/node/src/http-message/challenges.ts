import { type Field, valuesOf } from './fields.js';

/**
 * The schemes of authentication that challenges offer, as they are written there (RFC 9110 section 11.6.1): names only, and
 * each once. `NTLM`, `Basic realm="a, b"`, and several of them in one line or in many.
 *
 * @param lowerCaseName `www-authenticate` or `proxy-authenticate`.
 */
export function schemesOf(fields: readonly Field[], lowerCaseName: string): string[] {
  const schemes = new Map<string, string>();
  for (const element of valuesOf(fields, lowerCaseName).flatMap((value) => value.replace(QUOTED, '""').split(','))) {
    const scheme = SCHEME.exec(element)?.[1];
    if (scheme !== undefined && !schemes.has(scheme.toLowerCase())) schemes.set(scheme.toLowerCase(), scheme);
  }
  return [...schemes.values()];
}

/** To the end of the text, where nothing closes it. */
const QUOTED = /"(?:[^"\\]|\\.)*(?:"|\\?$)/gs;
/** What has an equals sign behind it is a parameter of the scheme before. */
const SCHEME = /^[ \t]*([A-Za-z][A-Za-z0-9._-]{0,31})(?:[ \t]+[^= \t]|[ \t]*$)/;
