import { open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { peerRowOf, rowsOf } from './connection-rows.js';

/**
 * Whether the other end of a connection within this machine has read everything that has come to it, as Linux tells it in
 * proc(5): undefined where it does not, or the other end is not of this machine, or not of this network namespace, or where
 * there are so many connections that looking would cost too much.
 */
export async function peerHasRead(socket: Socket, tables: ConnectionTables = SYSTEM): Promise<boolean | undefined> {
  const row = peerRowOf(socket);
  return row === undefined ? undefined : (await tables.read()).get(row);
}

/** The tables that Linux keeps of its connections: those that are open, and those of the last minute. */
export class ConnectionTables {
  readonly #most: number;
  #next: Promise<Connections> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param most bytes of a table; of one that is larger nothing is told. */
  constructor(most: number = MOST) {
    this.#most = most;
  }

  /** As they are from now on: read one time for all who ask before that begins, and one after the other. */
  read(): Promise<Connections> {
    this.#next ??= this.#last.then(() => {
      this.#next = undefined;
      const start = performance.now();
      const reading = this.#readAll();
      this.#last = reading.then(() => pause((performance.now() - start) * (1 / SHARE - 1), undefined, { ref: false }));
      return reading;
    });
    return this.#next;
  }

  async #readAll(): Promise<Connections> {
    const connections = new Map<string, boolean>();
    for (const path of TABLES) {
      for (const [row, hasRead] of rowsOf(await this.#readTable(path).catch(() => ''))) connections.set(row, hasRead);
    }
    return connections;
  }

  /** Empty when it is too large. */
  async #readTable(path: string): Promise<string> {
    const file = await open(path);
    try {
      const buffer = Buffer.allocUnsafe(this.#most);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, this.#most - length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return length === this.#most ? '' : buffer.toString('latin1', 0, length);
    } finally {
      await file.close();
    }
  }
}

/** Of each connection, by the row of one of its ends, whether that end has read everything. */
type Connections = ReadonlyMap<string, boolean>;

/** A connection of IPv4 stands in the table of each end's own family. */
const TABLES: readonly string[] = ['/proc/net/tcp', '/proc/net/tcp6'];
/** Some 27,000 connections: the system takes tens of ms for them. */
const MOST = 4_194_304;
/** The share of its time that this process may spend with it. */
const SHARE = 1 / 5;

const SYSTEM = new ConnectionTables();
