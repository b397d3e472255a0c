import { ConnectError } from 'wsproxy-engine/connector';
import { onAbort } from 'wsproxy-node/dial/upstream';
import { problemOfToken } from 'wsproxy-node/options';

/**
 * A token, or what gives the one of now, asked for every connection: it may read a file, or ask somebody. `refused` is the one
 * that the server has just refused (401), if it was that: anyone who keeps tokens must not give it again. What it throws, or
 * rejects with, is told as the reason why there is no connection, and it is asked again with the next try.
 */
export type TokenSource = string | ((refused?: string) => string | Promise<string>);

/** The token of now. Rejects with ConnectError. */
export async function askToken(source: TokenSource, signal: AbortSignal, refused?: string): Promise<string> {
  if (typeof source === 'string') return source;
  let timer: NodeJS.Timeout | undefined;
  let forgetSignal = (): void => {};
  const late = new Promise<never>((_resolve, reject) => {
    const fail = (what: string): void => reject(new ConnectError(what, false));
    timer = setTimeout(fail, TIMEOUT, `no token within ${TIMEOUT / 1000} s`);
    forgetSignal = onAbort(signal, () => fail('given up'));
  });
  try {
    const token: unknown = await Promise.race([source(refused), late]);
    const problem = typeof token === 'string' ? problemOfToken(token) : 'is no string';
    if (problem !== undefined) throw new Error(`the token ${problem}`);
    return token as string;
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    throw new ConnectError(error instanceof Error ? error.message : String(error), false, { cause: error });
  } finally {
    clearTimeout(timer);
    forgetSignal();
  }
}

/** Somebody may have to be asked, ms. */
const TIMEOUT = 60_000;
