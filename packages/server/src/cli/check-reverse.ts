import type { ListenAddress, UnixAddress } from 'wsproxy-cli';
import { OptionError } from 'wsproxy-node/options';

/** What the command line says of remote listeners. */
export interface ReverseFlags {
  readonly reverse?: boolean;
  readonly reverseHttp?: ListenAddress | UnixAddress;
  readonly allowListen?: readonly string[];
}

/** @throws OptionError for flags about remote listeners that no client could ever have */
export function checkReverse({ reverse, reverseHttp, allowListen }: ReverseFlags): void {
  if (reverse === true) return checkNames(reverseHttp !== undefined, allowListen);
  for (const [option, value] of Object.entries({ reverseHttp, allowListen })) {
    if (value !== undefined) throw new OptionError(option, 'it takes --reverse, without which no client may listen');
  }
}

/** Host names have one port for all of them, and none without it. */
function checkNames(hasPort: boolean, allowListen: readonly string[] = []): void {
  const rule = hasPort ? undefined : allowListen.find((text) => OF_NAMES.test(text));
  if (rule === undefined) return;
  throw new OptionError('allowListen', `${JSON.stringify(rule)} takes --reverse-http, the port for host names`);
}

const OF_NAMES = /^\s*(?:http|tls):/;
