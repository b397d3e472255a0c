import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConnectionTables, readAtMost } from '../../src/sockets/connection-tables.js';

const ROW = '  0: 0100007F:9C40 0100007F:1F90 01 00000000:00000001 00:00000000 00000000 0 0 1\n';

describe('the tables of connections', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are read one time for all who ask at once', async () => {
    const read = vi.fn(async () => ROW);
    const tables = new ConnectionTables(read);
    const told = await Promise.all(Array.from({ length: 200 }, () => tables.read()));
    expect(new Set(told).size).toBe(1);
    expect(told[0]?.size).toBe(1);
    expect(read.mock.calls).toEqual([['/proc/net/tcp'], ['/proc/net/tcp6']]);
    await tables.read();
    expect(read).toHaveBeenCalledTimes(4);
  });

  it('tell nothing while they are too large, and are left alone for a while', async () => {
    const read = vi.fn(async (): Promise<string | undefined> => undefined);
    const tables = new ConnectionTables(read);
    const [first, ...others] = [tables.read(), tables.read()];
    expect((await first)?.size).toBe(0);
    await Promise.all([...others, tables.read(), tables.read()]);
    expect(read).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(10_000);
    read.mockResolvedValue(ROW);
    expect((await tables.read()).size).toBe(1);
  });

  it('are read again in half a second though the last time took a minute', async () => {
    const tables = new ConnectionTables(async () => {
      vi.advanceTimersByTime(30_000);
      return ROW;
    });
    await tables.read();
    expect((await tables.read()).size).toBe(1);
  });

  it('tell nothing where there are none', async () => {
    const tables = new ConnectionTables(() => readAtMost('/proc/there/is/none', 100));
    expect((await tables.read()).size).toBe(0);
  });

  it('are read up to a bound', async () => {
    const path = new URL(import.meta.url).pathname;
    expect(await readAtMost(path, 100)).toBeUndefined();
    expect(await readAtMost(path, 100_000)).toMatch(/^import/);
  });
});
