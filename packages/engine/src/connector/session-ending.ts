import { CloseCode } from '../constants.js';

/** Whether the server does not know the session, or wants no more of it, after this close code. */
export function endsSession(code: number): boolean {
  return ENDING.has(code);
}

const ENDING: ReadonlySet<number> = new Set([
  CloseCode.sessionUnknown,
  CloseCode.sessionExpired,
  CloseCode.accessLost,
  CloseCode.superseded,
  CloseCode.protocolError,
  CloseCode.unsupportedVersion,
  CloseCode.textMessage,
]);
