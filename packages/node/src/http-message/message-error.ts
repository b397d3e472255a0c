/** Why a message cannot be read. The message of the error names the part, in one constant clause: "its status line ...". */
export class MessageError extends Error {
  override readonly name = 'MessageError';
  readonly fault: MessageFault;

  constructor(fault: MessageFault, what: string) {
    super(what);
    this.fault = fault;
  }
}

export type MessageFault = 'malformed' | 'too large' | 'unsupported';
