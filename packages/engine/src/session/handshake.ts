import { CloseCode, PROTOCOL_VERSION } from '../constants.js';
import { ProtocolError, violation } from '../errors.js';
import type { Transport } from '../transport.js';
import type { HandshakeSink } from './inbox.js';
import { Link } from './link.js';
import type { Session } from './session.js';

/** Where the peer has greeted, or need not. */
export const noHandshake: HandshakeSink = {
  onHandshake() {
    throw violation('a second HELLO or RESUME');
  },
};

/** Attaches the first transport of a session whose peer is of this process, and does not greet. `capabilities`: what both can do. */
export function joinUngreeted(session: Session, transport: Transport, capabilities = 0): void {
  session.terms.agree(capabilities);
  session.attach(new Link(transport), noHandshake);
  session.goLive(0);
}

export function checkVersion(version: number): void {
  if (version === PROTOCOL_VERSION) return;
  throw new ProtocolError(
    `version ${version} is not supported, only ${PROTOCOL_VERSION}`,
    CloseCode.unsupportedVersion,
  );
}
