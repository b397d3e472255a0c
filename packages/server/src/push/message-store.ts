/** Keeps messages until their client has finished them, so that they outlive the process. Without one they live in memory. */
export interface MessageStore {
  /** All that was kept and is not finished, of every stream. Asked once, before anything is sent. */
  load(): Iterable<KeptStream> | Promise<Iterable<KeptStream>>;
  /** Keeps a message. It leaves, and `send` resolves, when that is done. */
  keep(message: KeptMessage): void | Promise<void>;
  /** The messages of a stream up to this number are finished: they need not be kept. The number has to be. */
  finish(user: string, stream: string, number: number): void | Promise<void>;
}

/** A message as it is kept. */
export interface KeptMessage {
  readonly user: string;
  readonly stream: string;
  /** 16 hexadecimal digits: which numbers these are. */
  readonly epoch: string;
  /** From 1 on, one more for each message of the stream. */
  readonly number: number;
  readonly data: Buffer;
}

/** What is left of a stream. */
export interface KeptStream {
  readonly user: string;
  readonly stream: string;
  readonly epoch: string;
  /** Number of the last message that is finished; 0 for none. */
  readonly finished: number;
  /** Those after it, in their order. */
  readonly messages: readonly Buffer[];
}
