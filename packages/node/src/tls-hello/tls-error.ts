/** What a TLS connection is ended for before anybody has answered it, by the name of its alert (RFC 8446 section 6). */
export class TlsError extends Error {
  readonly alert: TlsAlert;

  constructor(alert: TlsAlert, message: string = alert) {
    super(message);
    this.alert = alert;
  }

  /** The alert as a record. */
  get record(): Buffer {
    return Buffer.from([ALERT, 3, 3, 0, 2, FATAL, ALERTS[this.alert]]);
  }
}

export type TlsAlert = keyof typeof ALERTS;

const ALERTS = {
  unexpected_message: 10,
  record_overflow: 22,
  illegal_parameter: 47,
  decode_error: 50,
  protocol_version: 70,
  unrecognized_name: 112,
} as const;

const ALERT = 0x15;
const FATAL = 2;
