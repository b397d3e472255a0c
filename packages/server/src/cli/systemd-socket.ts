import { ExitCode, ExitError } from 'wsproxy-cli';

/** The socket that systemd has opened and hands over (`man sd_listen_fds`), as --listen names it. */
export interface SystemdSocket {
  readonly systemd: true;
}

export const SYSTEMD = 'systemd';

/** What is handed over begins behind standard error. */
const FIRST_FD = 3;

/**
 * The descriptor of the one socket handed over to the process `pid`.
 * @throws ExitError (usage) when there is none, or more than one
 */
export function systemdSocket(env: Readonly<Record<string, string | undefined>>, pid: number): number {
  // A program in between, such as a shell that does not exec, would leave us with what is not ours.
  const count = env['LISTEN_PID'] === String(pid) ? Number(env['LISTEN_FDS']) : 0;
  if (count === 1) return FIRST_FD;
  throw new ExitError(
    ExitCode.usage,
    `--listen systemd: systemd has handed over ${count || 'no'} sockets, expected one; start the .socket unit, with one ListenStream=`,
  );
}
