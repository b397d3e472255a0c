import { finishChannel, type OfferedChannel, systemClock } from 'wsproxy-engine';
import type { Accounts } from '../limits/accounts.js';
import type { User } from '../users/user.js';

/**
 * Tells a user what is counted for it (PROTOCOL.md section 5), whatever the limits are: it is little, and asked for when they are
 * reached.
 */
export function tellAccount(channel: OfferedChannel, user: User, accounts: Pick<Accounts, 'quotaOf'>): void {
  const { bytes, limit = null, endsAt } = accounts.quotaOf(user);
  const account = { user: user.id, quota: { bytes, limit, endsAt: new Date(endsAt).toISOString() } };
  channel.accept();
  channel.write(Buffer.from(JSON.stringify(account)));
  // A client that does not end its half holds no channel by it.
  finishChannel(channel, systemClock);
}
