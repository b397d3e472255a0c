/** The head of a frame of a WebSocket (RFC 6455 section 5.2). */
export interface Frame {
  readonly isLast: boolean;
  readonly reserved: number;
  readonly isCompressed: boolean;
  readonly opcode: number;
  readonly length: number;
  readonly mask: Uint8Array | undefined;
}

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
const PONG = 10;

/** How long the head of a frame is, as far as that is known from its first bytes. */
export function headSize(head: Buffer, known: number): number {
  if (known < 2) return 2;
  const second = head[1] ?? 0;
  const length = second & 0x7f;
  return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (second & 0x80 ? 4 : 0);
}

export function readFrame(head: Buffer): Frame {
  const [first = 0, second = 0] = head;
  const short = second & 0x7f;
  const length = short === 127 ? Number(head.readBigUInt64BE(2)) : short === 126 ? head.readUInt16BE(2) : short;
  const size = headSize(head, 2);
  return {
    isLast: (first & 0x80) !== 0,
    reserved: first & 0x30,
    isCompressed: (first & 0x40) !== 0,
    opcode: first & 0x0f,
    length,
    mask: second & 0x80 ? Uint8Array.from(head.subarray(size - 4, size)) : undefined,
  };
}

export function problemOf(frame: Frame, isAmidMessage: boolean, mayCompress: boolean): string | undefined {
  const { opcode, length, isLast, reserved, isCompressed } = frame;
  if (reserved !== 0) return 'a frame has reserved bits';
  if (isCompressed && (!mayCompress || opcode === CONTINUATION || opcode >= CLOSE)) {
    return 'a frame is compressed that may not be';
  }
  if (opcode > PONG || (opcode > BINARY && opcode < CLOSE)) return `a frame has the opcode ${opcode}`;
  if (opcode >= CLOSE && (length > 125 || !isLast)) return 'a control frame is too long, or a fragment';
  if (opcode === CONTINUATION && !isAmidMessage) return 'a fragment follows nothing';
  if (opcode !== CONTINUATION && opcode < CLOSE && isAmidMessage) return 'a message begins within another one';
  if (!Number.isSafeInteger(length)) return 'a frame is too long';
  return undefined;
}
