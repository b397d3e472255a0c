import type { Channel, ChannelSink, Peer } from 'wsproxy-engine';

/** What one process does for another at its inner door, for a client that has its session there. */
export type Errand = CallErrand | NameErrand | NewsErrand;

/** To open a channel to a service of a client. */
export interface CallErrand {
  readonly kind: 'call';
  readonly user: string;
  readonly service: string;
}

/** To give what has come for a host name to the client that has the name. */
export interface NameErrand {
  readonly kind: 'name';
  readonly way: 'http' | 'tls';
  readonly name: string;
  readonly peer?: Peer | undefined;
  readonly local?: Peer | undefined;
}

/** To tell what becomes of sessions. */
interface NewsErrand {
  readonly kind: 'sessions';
}

/** A record is what an errand begins with, and its answer: what is said, before the bytes of the one that it is for. */
export function encodeRecord(said: object): Buffer {
  const text = Buffer.from(JSON.stringify(said));
  const head = Buffer.alloc(HEAD);
  head.writeUInt16BE(text.length);
  return Buffer.concat([head, text]);
}

/**
 * Reads the record that a channel brings first. `onRead` is told once, with undefined for what is none, or when the channel ends before.
 * Who takes what follows has to `start` the channel, and takes `rest` first: what has come behind the record by then.
 */
export function readRecord(channel: Channel, onRead: OnRecord): void {
  channel.start(new RecordReader(channel, onRead));
}

class RecordReader implements ChannelSink {
  readonly #channel: Channel;
  #onRead: OnRecord | undefined;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(channel: Channel, onRead: OnRecord) {
    this.#channel = channel;
    this.#onRead = onRead;
  }

  get rest(): Buffer {
    return this.#bytes.subarray(this.#end);
  }

  onData(chunk: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    this.#channel.consumed(chunk.length);
    const end = this.#end;
    if (this.#bytes.length >= end) this.#tell(parseObject(this.#bytes.toString('utf8', HEAD, end)));
  }

  onEnd(): void {
    this.#tell();
  }

  onReset(): void {
    this.#tell();
  }

  onWritable(): void {}

  get #end(): number {
    return this.#bytes.length < HEAD ? Number.POSITIVE_INFINITY : HEAD + this.#bytes.readUInt16BE();
  }

  #tell(record?: Said): void {
    const onRead = this.#onRead;
    this.#onRead = undefined;
    // Not while the channel gives away what it has: it would go on giving that to this.
    if (onRead !== undefined) queueMicrotask(() => onRead(record, this));
  }
}

type OnRecord = (record: Said | undefined, reader: { readonly rest: Buffer }) => void;

/** What a record says. */
export type Said = Readonly<Record<string, unknown>>;

/** Undefined for what another version may understand. */
export function errandOf(record: Said): Errand | undefined {
  const { kind, user, service, way, name, peer, local } = record;
  if (kind === 'call' && typeof user === 'string' && typeof service === 'string') return { kind, user, service };
  if (kind === 'name' && (way === 'http' || way === 'tls') && typeof name === 'string')
    return { kind, way, name, peer: peerIn(peer), local: peerIn(local) };
  return kind === 'sessions' ? { kind } : undefined;
}

const HEAD = 2;

function parseObject(text: string): Said | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Said {
  return typeof value === 'object' && value !== null;
}

function peerIn(value: unknown): Peer | undefined {
  if (!isObject(value)) return undefined;
  const { host, port } = value;
  return typeof host === 'string' && typeof port === 'number' ? { host, port } : undefined;
}
