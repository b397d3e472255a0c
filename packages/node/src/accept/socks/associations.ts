import type { FlowTunnel } from 'wsproxy-engine';
import { FAILURES, systemClock, withFields } from 'wsproxy-engine';
import type { Advertised } from '../advertised.js';
import { closePolitely } from '../close-politely.js';
import type { LocalConnection } from '../local-connection.js';
import { Association } from './association.js';
import { encodeSocks5Reply, REPLIES } from './socks5-codec.js';

/** The UDP associations (RFC 1928 section 7) of one local port; bounded, since each needs a socket. */
export class Associations {
  readonly #tunnel: FlowTunnel;
  readonly #advertised: Advertised | undefined;
  readonly #most: number;
  #count = 0;

  /** `most`: so many at a time. */
  constructor(tunnel: FlowTunnel, advertised: Advertised | undefined, most: number = MOST) {
    this.#tunnel = tunnel;
    this.#advertised = advertised;
    this.#most = most;
  }

  /** Serves a connection whose request was for one; `before` is sent right before the reply. */
  begin(connection: LocalConnection, before: Buffer): void {
    const { socket } = connection;
    const { localAddress, remoteAddress } = socket;
    const say = (reply: number): Buffer => Buffer.concat([before, encodeSocks5Reply(reply)]);
    // Of a Unix socket: its application may be anywhere behind it, and has no address to send from.
    if (localAddress === undefined || remoteAddress === undefined) {
      return connection.refuse('UDP has no Unix sockets', say(REPLIES.COMMAND_NOT_SUPPORTED));
    }
    if (this.#count >= this.#most) return connection.refuse('too many UDP associations', say(REPLIES.GENERAL_FAILURE));
    connection.endHandshake();
    this.#count += 1;
    socket.once('close', () => {
      this.#count -= 1;
    });
    const logger = withFields(connection.logger, { application: `${unmapped(remoteAddress)} ${socket.remotePort}` });
    new Association({
      tunnel: this.#tunnel,
      control: socket,
      address: unmapped(localAddress),
      client: unmapped(remoteAddress),
      advertised: this.#advertised,
      clock: systemClock,
      logger,
      onReady: (at) => socket.write(Buffer.concat([before, encodeSocks5Reply(REPLIES.SUCCEEDED, at)])),
      onFail: (code) => closePolitely(socket, say(FAILURES[code].socks5)),
    });
  }
}

/** Of an IPv4 address as a socket for both families has it. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=[\d.]+$)/, '');
}

const MOST = 1_024;
