/** A copy that holds no other memory: Node cuts small buffers from a larger one, which lives as long as any of them. */
export function ownBytes(bytes: Uint8Array): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

/** The same of the beginning of a text: V8 has a part of a text point into the whole, which lives as long as the part. */
export function ownText(text: string, most: number = Number.POSITIVE_INFINITY): string {
  const kept = text.slice(0, most);
  // It is joined before it is cut again, into a whole that is no longer than itself; shorter ones are copied anyway.
  return kept.length < SHORTEST_PART ? kept : ` ${kept}`.slice(1);
}

/** Characters. */
const SHORTEST_PART = 13;
