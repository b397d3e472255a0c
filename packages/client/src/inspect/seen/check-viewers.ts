import { isLoopback } from 'wsproxy-engine';

/**
 * What passes is shown without a password, so only to this machine. `host`: where it is to be shown; undefined for a Unix socket.
 * @throws TypeError in one line when other machines could reach it
 */
export function checkViewers(host: string | undefined): void {
  if (host === undefined || isLoopback(host)) return;
  throw new TypeError(`other machines can reach ${host}, and would see all that --inspect sees; use 127.0.0.1`);
}
