import { createHash, timingSafeEqual } from 'node:crypto';

export function createPasswordCheck(users: readonly ProxyUser[]): PasswordCheck {
  const known = users.map(({ name, sha256 }) => ({ name: digest(name), password: Buffer.from(sha256, 'hex') }));
  return (name, password) => {
    const [givenName, givenPassword] = [digest(name), digest(password)];
    let allowed = false;
    for (const user of known) {
      const isName = timingSafeEqual(user.name, givenName);
      const isPassword = timingSafeEqual(user.password, givenPassword);
      if (isName && isPassword) allowed = true;
    }
    return allowed;
  };
}

/** Somebody who may use a local port. */
export interface ProxyUser {
  readonly name: string;
  /** SHA-256 of the password, in hexadecimal. */
  readonly sha256: string;
}

/** Whether name and password are those of one of them; takes the same work no matter which it is, and for none alike. */
export type PasswordCheck = (name: string, password: string) => boolean;

/** Name and password of an `Authorization: Basic` field (RFC 7617); undefined for anything else. */
export function parseBasic(field: string | undefined): [name: string, password: string] | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=]+)$/i.exec(field ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)];
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
