/** Where a request arrived, in the terms a Host header may name it by. */
export interface Arrival {
  /** The address that its connection came in on. */
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  /** The host that was asked for when listening. */
  readonly listenHost: string;
}

/**
 * Whether a Host header names this very listener. A page in a browser can make its own name resolve to our address
 * (DNS rebinding) and would then be served as if it were ours; what it cannot do is send another name than its own.
 */
export function isOwnHost(host: string | undefined, arrival: Arrival): boolean {
  const { localAddress = '', localPort, listenHost } = arrival;
  const names = ['localhost', '127.0.0.1', '::1', listenHost, localAddress.replace(/^::ffff:(?=\d+\.)/i, '')];
  const asked = host?.toLowerCase();
  return names
    .filter((name) => name !== '')
    .map((name) => (name.includes(':') ? `[${name}]` : name).toLowerCase())
    .some((name) => asked === `${name}:${localPort}` || (asked === name && localPort === 80));
}
