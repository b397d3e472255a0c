/** A proxy for applications that looks into what passes. */
export interface RecordingProxy {
  readonly port: number;
  /** The file of its CA. */
  readonly ca: string;
  /** Ends it, and reads the archive that it has written. */
  readonly seen: () => Promise<readonly ArchiveEntry[]>;
}

/** An entry of a HAR file, as far as tests compare it. */
export interface ArchiveEntry {
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly httpVersion: string;
    readonly headers: readonly ArchiveField[];
    readonly postData?: { readonly text: string };
  };
  readonly response: {
    readonly status: number;
    readonly statusText: string;
    readonly httpVersion: string;
    readonly headers: readonly ArchiveField[];
    readonly content: { readonly text?: string };
  };
  readonly _webSocketMessages?: readonly {
    readonly type: 'send' | 'receive';
    readonly opcode: number;
    readonly data: string;
  }[];
}

interface ArchiveField {
  readonly name: string;
  readonly value: string;
}
