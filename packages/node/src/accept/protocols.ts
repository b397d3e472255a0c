import { serveHttp } from './http/http-listener.js';
import type { CreateService, LocalProtocol } from './local-service.js';
import { serveSocks4, serveSocks5 } from './socks/socks-listener.js';

/** What a local port can speak, all of it at a time: the first byte tells one from the other. */
export const PROTOCOLS: Readonly<Record<LocalProtocol, CreateService>> = {
  socks5: serveSocks5,
  socks4: serveSocks4,
  http: serveHttp,
};
