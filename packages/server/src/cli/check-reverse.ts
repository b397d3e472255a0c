import type { ListenAddress, UnixAddress } from 'wsproxy-cli';
import { OptionError } from 'wsproxy-node/options';

/** What the command line says of remote listeners. */
export interface ReverseFlags {
  readonly reverse?: boolean;
  readonly reverseHttp?: ListenAddress | UnixAddress;
  readonly allowListen?: readonly string[];
}

/** @throws OptionError for what is said of remote listeners where nobody could ever have one */
export function checkReverse({ reverse, reverseHttp, allowListen }: ReverseFlags): void {
  if (reverse === true) return;
  for (const [option, value] of Object.entries({ reverseHttp, allowListen })) {
    if (value !== undefined) throw new OptionError(option, 'it takes --reverse, without which no client may listen');
  }
}
