import { escapeText } from '../escape-text.js';

/** Leaves room for level, time, name and message in a line of 2 KiB. */
const MAX_BYTES = 1536;
const MAX_DEPTH = 3;
const MAX_FRAMES = 4;

const SECRET_NAME = /(authorization|cookie|password|secret|token)$/i;
const SECRET_TEXT = /\b(Bearer|Basic)\s+\S+|(?<=\/\/)[^/\s@]+(?=@)/gi;
const REDACTED = '[redacted]';

/** Text from anywhere made fit for a log: escaped, capped at 256 characters, without credentials. */
export function cleanText(text: string): string {
  return escapeText(text.slice(0, 1024).replace(SECRET_TEXT, REDACTED));
}

/**
 * Fields from anywhere made fit for a log line: names and texts cleaned, secrets left out by the name of their field,
 * errors in short. What exceeds the room of a line is left out and `truncated: true` says so.
 */
export function cleanFields(fields: object): Record<string, unknown> {
  const room = { bytes: MAX_BYTES };
  const clean = cleanObject(fields instanceof Error ? { err: fields } : fields, room, 0);
  return room.bytes < 0 ? { ...clean, truncated: true } : clean;
}

interface Room {
  bytes: number;
}

function cleanObject(source: object, room: Room, depth: number): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(source)) {
    const safeName = cleanText(name);
    const safeValue = SECRET_NAME.test(name) ? REDACTED : cleanValue(value, room, depth);
    // Of a nested value the parts that still had room are kept, and their bytes are counted already.
    const nested = typeof safeValue === 'object';
    room.bytes -= byteLength(safeName) + (nested ? 2 : byteLength(safeValue));
    if (nested || room.bytes >= 0) clean[safeName] = safeValue;
    if (room.bytes < 0) break;
  }
  return clean;
}

function cleanValue(value: unknown, room: Room, depth: number): unknown {
  switch (typeof value) {
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
    case 'object':
      return value === null ? null : cleanNested(value, room, depth + 1);
    default:
      return cleanText(String(value));
  }
}

function cleanNested(value: object, room: Room, depth: number): unknown {
  if (depth > MAX_DEPTH) return '[nested]';
  if (value instanceof Error) return cleanObject(describeError(value), room, depth);
  if (value instanceof URL) return cleanText(value.href);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  const clean = cleanObject(value, room, depth);
  return Array.isArray(value) ? Object.values(clean) : clean;
}

/** A system error says all with its code; of any other, the place where it arose is what one needs. */
function describeError(error: Error & { code?: unknown }): object {
  const frames = error.code === undefined ? error.stack?.split('\n    at ').slice(1, MAX_FRAMES + 1) : undefined;
  return { type: error.name, code: error.code, message: error.message, stack: frames, cause: error.cause };
}

function byteLength(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '') + 2;
}
