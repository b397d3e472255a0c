import type { TransportReceiver } from 'wsproxy-engine';

/** What an end of a transport has been told. */
export class TransportLog implements TransportReceiver {
  readonly chunks: Buffer[] = [];
  length = 0;
  drains = 0;
  texts = 0;
  readonly closed: { code: number; reason: string }[] = [];

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  onBytes(chunk: Uint8Array): void {
    // Valid until this returns.
    this.chunks.push(Buffer.from(chunk));
    this.length += chunk.length;
  }
  onDrain(): void {
    this.drains += 1;
  }
  onText(): void {
    this.texts += 1;
  }
  onClose(code: number, reason: string): void {
    this.closed.push({ code, reason });
  }
}
