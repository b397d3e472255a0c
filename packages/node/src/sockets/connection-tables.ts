import { open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { rowsOf } from './connection-rows.js';

/**
 * The tables that Linux keeps of its connections: those that are open, and those of the last minute. They are read as often
 * as somebody asks and the cost allows; while they are too large, nothing is told, at once.
 */
export class ConnectionTables {
  readonly #readTable: ReadTable;
  readonly #share: number;
  #next: Promise<Connections> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #tooLargeUntil = 0;

  /** @param share of its time that this process may spend with them. */
  constructor(readTable: ReadTable = (path) => readAtMost(path, MOST), share: number = SHARE) {
    this.#readTable = readTable;
    this.#share = share;
  }

  /** As they are from now on: read one time for all who ask before that begins, and one after the other. */
  read(): Promise<Connections> {
    if (performance.now() < this.#tooLargeUntil) return Promise.resolve(NOTHING);
    this.#next ??= this.#last.then(() => {
      this.#next = undefined;
      const start = performance.now();
      const reading = this.#readAll();
      this.#last = reading.then(() => {
        const rest = Math.min((performance.now() - start) * (1 / this.#share - 1), LONGEST_REST);
        return this.#tooLargeUntil > start ? undefined : pause(rest, undefined, { ref: false });
      });
      return reading;
    });
    return this.#next;
  }

  async #readAll(): Promise<Connections> {
    if (performance.now() < this.#tooLargeUntil) return NOTHING;
    const connections = new Map<string, boolean>();
    for (const path of TABLES) {
      const table = await this.#readTable(path).catch(() => '');
      if (table === undefined) {
        this.#tooLargeUntil = performance.now() + TOO_LARGE_FOR;
        return NOTHING;
      }
      for (const [row, hasRead] of rowsOf(table)) connections.set(row, hasRead);
    }
    return connections;
  }
}

/** Of each connection, by the row of one of its ends, whether that end has read everything. */
export type Connections = ReadonlyMap<string, boolean>;

/** Undefined when it is too large. */
export type ReadTable = (path: string) => Promise<string | undefined>;

/** A file whose size nobody tells; undefined when it has so many bytes or more. */
export async function readAtMost(path: string, most: number): Promise<string | undefined> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(most);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, most - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return length === most ? undefined : buffer.toString('latin1', 0, length);
  } finally {
    await file.close();
  }
}

const NOTHING: Connections = new Map();
/** A connection of IPv4 stands in the table of each end's own family. */
const TABLES: readonly string[] = ['/proc/net/tcp', '/proc/net/tcp6'];
/** Some 27,000 connections: the system takes tens of ms for them. */
const MOST = 4_194_304;
const SHARE = 1 / 5;
/** Ms. What takes longer than such tables do has waited for a thread, and cost nothing. */
const LONGEST_REST = 500;
/** How long nobody looks again, ms: a connection stays there for a minute. */
const TOO_LARGE_FOR = 10_000;
