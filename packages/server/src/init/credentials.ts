import { formatSetupLine } from 'wsproxy-node/options';
import { newToken } from '../users/new-token.js';

/** Who may come in. */
export interface Credentials {
  /** The setting that names their file. */
  readonly setting: 'token-file' | 'users';
  /** Beside the configuration file. */
  readonly file: string;
  readonly text: string;
  /** Of those whose token is known: of users, only the new ones. */
  readonly tokens: readonly { readonly user?: string; readonly token: string }[];
  /** Users that were there before. Their file has only a digest of the token. */
  readonly former: readonly string[];
}

/** What is there already. */
export interface FormerFiles {
  /** The token file, if there is one, and the tokens in it. */
  readonly token: { readonly text: string; readonly tokens: readonly string[] } | undefined;
  /** The users file, if there is one, and who stands in it. */
  readonly users: { readonly text: string; readonly ids: readonly string[] } | undefined;
}

/** A token for each of the users, or one for everybody. What is there already stays, so that a second run changes no token. */
export function makeCredentials(users: readonly string[], { token: file, users: there }: FormerFiles): Credentials {
  if (users.length === 0) {
    const token = file?.tokens[0] ?? newToken().token;
    return { setting: 'token-file', file: 'token', text: file?.text ?? `${token}\n`, tokens: [{ token }], former: [] };
  }
  const isThere = (user: string): boolean => there?.ids.includes(user) === true;
  const made = users.filter((user) => !isThere(user)).map((user) => ({ user, ...newToken() }));
  const lines = made.map(({ user, digest }) => `- { id: ${JSON.stringify(user)}, token: "${digest}" }\n`);
  const before = there === undefined || there.text.endsWith('\n') ? (there?.text ?? '') : `${there.text}\n`;
  return {
    setting: 'users',
    file: 'users.yaml',
    text: before + lines.join(''),
    tokens: made,
    former: users.filter(isThere),
  };
}

/** What clients get: one line for each token, with its user before it. */
export function setupLines(url: string, { tokens }: Credentials): string[] {
  return tokens.map(({ user, token }) => {
    const line = formatSetupLine({ url, token });
    return user === undefined ? line : `${user}: ${line}`;
  });
}
