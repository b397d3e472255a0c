import { CloseCode } from './constants.js';
import { FAILURES, type FailureCode } from './failures.js';

/** A channel could not be opened, or ended before its time. `code` is a row of FAILURES; `cause` is what led to it. */
export class TunnelError extends Error {
  override readonly name = 'TunnelError';
  readonly code: FailureCode;

  constructor(code: FailureCode, message: string = FAILURES[code].text, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The peer broke PROTOCOL.md. Ends the transport with `closeCode`, and the session with it. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly closeCode: number;

  constructor(message: string, closeCode: number) {
    super(message);
    this.closeCode = closeCode;
  }
}

/** The error for what PROTOCOL.md does not allow. */
export function violation(message: string): ProtocolError {
  return new ProtocolError(message, CloseCode.protocolError);
}
