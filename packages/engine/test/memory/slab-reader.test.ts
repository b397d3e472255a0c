import { beforeEach, describe, expect, test } from 'vitest';
import { filled, isEqual } from 'wsproxy-test-support/engine/bytes';
import { LARGEST_SLAB, SLAB_SIZE, SlabPool } from '../../src/memory/slab-pool.js';
import { SlabReader } from '../../src/memory/slab-reader.js';
import { FakeClock } from '../../src/testing/fake-clock.js';

/** A socket that has always something to read. */
class Source {
  appetite = Number.POSITIVE_INFINITY;
  /** What was read is needed until `forget`. */
  keeps = false;
  readonly #pool: SlabPool;
  readonly #reader: SlabReader;
  #kept: Uint8Array[] = [];
  #reads = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
    this.#reader = new SlabReader(pool, this, () => {});
  }

  onBytes(bytes: Uint8Array): void {
    if (this.keeps) this.#kept.push(this.#pool.keep(bytes));
  }

  /** How much the next read may bring. */
  get room(): number {
    return this.#reader.next.length;
  }

  /** Reads, as much as there is room for unless told. */
  read(length: number = this.room): this {
    const { next } = this.#reader;
    this.#reads += 1;
    this.#reader.onRead(length, next.subarray(0, length).fill(this.#reads) && next);
    return this;
  }

  /** What was kept is as it was read; returns whose memory it is. */
  forget(): Set<ArrayBufferLike> {
    const first = this.#reads - this.#kept.length + 1;
    for (const [i, bytes] of this.#kept.entries()) {
      expect(isEqual(bytes, filled(bytes.length, first + i))).toBe(true);
      this.#pool.release(bytes);
    }
    const memory = new Set(this.#kept.map(({ buffer }) => buffer));
    this.#kept = [];
    return memory;
  }

  stop(): void {
    this.#reader.stop();
  }
}

let pool: SlabPool;

beforeEach(() => {
  pool = new SlabPool(new FakeClock());
});

/** Reads until slabs do not grow any more. */
function grown(source: Source = new Source(pool)): Source {
  for (let n = 0; n < 8; n++) source.read();
  return source;
}

describe('a reader', () => {
  test('gets slabs of twice the size while its reads fill them', () => {
    const source = new Source(pool).read();
    const sizes = [source.room, source.read().room, source.read().room, source.read().room];
    expect(sizes).toEqual([SLAB_SIZE, 131_008, 262_080, 262_080]);
    expect(LARGEST_SLAB).toBe(262_144);
  });

  test('does not grow by reads that are not full', () => {
    const source = new Source(pool).read();
    for (let n = 0; n < 40; n++) source.read(source.room - 1);
    expect(source.room).toBe(SLAB_SIZE);
  });

  test('gets smaller ones again when its reads are a small part of them', () => {
    const source = grown();
    for (let n = 0; n < 16; n++) source.read(20_000);
    expect(source.room).toBe(131_008);
    for (let n = 0; n < 200; n++) source.read(20_000);
    expect(source.room).toBe(131_008);
  });

  test('reads behind what is kept, while a quarter of the slab is left, and leaves it as it was', () => {
    const source = grown();
    source.keeps = true;
    const rooms = [1, 2, 3, 4].map(() => source.read(60_000).room);
    expect(rooms).toEqual([202_016, 141_952, 81_888, 262_080]);
    expect(source.forget().size).toBe(1);
  });

  test('gets no larger one than its taker has an appetite for, and gives a larger one back', () => {
    const source = new Source(pool);
    source.appetite = 131_072;
    expect(grown(source).room).toBe(131_008);
    source.appetite = 65_536;
    expect(source.read(20_000).room).toBe(SLAB_SIZE);
    source.appetite = Number.POSITIVE_INFINITY;
    expect(grown(source).room).toBe(262_080);
  });

  test('finds room for headers in front of each of its reads, and of nothing else', async () => {
    const source = grown();
    const seen: [first: number, second: number][] = [];
    source.onBytes = (bytes) => {
      pool.keep(bytes);
      queueMicrotask(() => seen.push([pool.headroomOf(bytes), pool.headroomOf(bytes.subarray(1))]));
    };
    for (let n = 0; n < 6; n++) {
      source.read(60_000);
      // As a session does: what was read in a callback leaves behind it.
      await Promise.resolve();
    }
    expect(seen).toEqual(Array.from({ length: 6 }, () => [64, 0]));
  });
});

describe('many readers', () => {
  const sizesOf = (sources: readonly Source[]): Set<number> => new Set(sources.map(({ room }) => room));

  test.each([
    [64, 262_080],
    [65, 131_008],
    [128, 131_008],
  ])('share what may be posted: %i have %i bytes each', (count, size) => {
    const sources = Array.from({ length: count }, () => new Source(pool));
    for (let n = 0; n < 8; n++) for (const source of sources) source.read();
    expect([...sizesOf(sources)]).toEqual([size]);
  });

  test('have no more than 16 MiB, however they come and go; who comes late has the same share once the others have read', () => {
    const first = Array.from({ length: 64 }, () => grown());
    const late = Array.from({ length: 64 }, () => grown());
    expect([...sizesOf(first)]).toEqual([262_080]);
    expect([...sizesOf(late)]).toEqual([SLAB_SIZE]);
    for (let n = 0; n < 8; n++) for (const source of [...first, ...late]) source.read();
    expect([...sizesOf([...first, ...late])]).toEqual([131_008]);
    for (const source of [...first, ...late]) source.stop();
    expect(grown().room).toBe(262_080);
  });

  test('read into small slabs while 64 MiB of large ones are kept', () => {
    const sources = Array.from({ length: 4 }, () => grown());
    for (const source of sources) source.keeps = true;
    for (let n = 0; n < 80; n++) for (const source of sources) source.read(Math.ceil(0.9 * source.room));
    expect([...sizesOf(sources)]).toEqual([SLAB_SIZE]);
    const memory = new Set(sources.flatMap((source) => [...source.forget()]));
    const large = [...memory].map(({ byteLength }) => byteLength).filter((length) => length > 65_536);
    expect(large.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(2 ** 26 + 4 * LARGEST_SLAB);
    for (const source of sources) source.keeps = false;
    for (let n = 0; n < 8; n++) for (const source of sources) source.read();
    expect([...sizesOf(sources)]).toEqual([262_080]);
  });

  test('beyond 128 read into memory that all share', () => {
    for (let n = 0; n < 128; n++) grown();
    const source = grown();
    expect(source.room).toBe(pool.scratch.length);
  });
});
