import { OptionError } from 'wsproxy-node/options';
import type { UserFlags } from './credentials.js';

/** What the command line says of clients that speak Wisp. */
export interface WispFlags extends UserFlags {
  readonly wisp?: string;
  readonly wispMotd?: string;
}

/** @throws OptionError for flags about Wisp by which no client could ever come in */
export function checkWisp({ wisp, wispMotd, users, usersFromStore }: WispFlags): void {
  if (wisp !== undefined && users === undefined && usersFromStore === undefined)
    throw new OptionError(
      'wisp',
      'it takes --users, or --users-from-store, with a wisp token for each user (docs/wisp.md)',
    );
  if (wispMotd !== undefined && wisp === undefined) throw new OptionError('wispMotd', 'it takes --wisp');
}
