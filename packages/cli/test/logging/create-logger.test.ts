import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, expect, it, vi } from 'vitest';
import { fixturePath, runFixture, startFixture } from '../fixtures/run-fixture.js';

const LINES = 30_000;
const MIB = 1024 * 1024;

interface Flooded {
  /** Memory held by the process after the flood, compared with before, in bytes. */
  grown: number;
  /** The longest time one call of the logger took, in milliseconds. */
  longestTurn: number;
}

async function flooded(child: ReturnType<typeof startFixture>): Promise<Flooded> {
  const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return JSON.parse(chunk.toString()) as Flooded;
}

describe('createLogger', () => {
  it.each(['json', 'pretty'])('writes %s lines to standard error, what was planted in them escaped', async (format) => {
    const { code, stdout, stderr } = await runFixture('planted.mjs', [format]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toHaveLength(3);
    expect(stderr.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(stderr).toContain('evil');
    expect(stderr).toContain('u001b[31m');
    expect(stderr).toContain('u202e');
    expect(stderr).not.toMatch(/aaaa|bbbb|cccc/);
    expect(stderr.match(/\[redacted\]/g)).toHaveLength(3);
    for (const line of stderr.split('\n')) expect(line.length).toBeLessThan(2048);
  });

  it('writes JSON with level, ISO time, name, fields and message', async () => {
    const { stderr } = await runFixture('planted.mjs', ['json']);
    const [first] = stderr.split('\n');
    expect(JSON.parse(first ?? '')).toMatchObject({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      name: 'planted',
      host: 'evil\\u000d\\u000a\\u001b[31m\\u202e.example',
      msg: 'asked for evil\\u000d\\u000a\\u001b[31m\\u202e.example',
    });
  });

  it('queues no more than 1 MiB for a reader that never reads, and goes on when it does', async () => {
    const child = startFixture('flood.mjs', [String(LINES)]);
    const { grown, longestTurn } = await flooded(child);
    expect(grown).toBeLessThan(4 * MIB);
    expect(longestTurn).toBeLessThan(1000);

    const received: Array<{ line?: number | string; total?: number }> = [];
    for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
      received.push(JSON.parse(line));
      // What is logged after the count has room again.
      if (received.at(-1)?.total !== undefined) child.stdin?.end();
    }
    const lost = received.find((line) => line.total !== undefined)?.total ?? 0;
    expect(lost).toBeGreaterThan(LINES / 2);
    expect(lost + received.filter((line) => typeof line.line === 'number').length).toBe(LINES);
    expect(received.at(-1)?.line).toBe('last');
  });

  it.skipIf(process.platform === 'win32').each(['json', 'pretty'])(
    'writes its first line as %s when no descriptor is left',
    async (format) => {
      const limited = 'ulimit -n 60; exec "$0" "$@"';
      const child = spawn('sh', ['-c', limited, process.execPath, fixturePath('starved.mjs'), format]);
      const [[code], stderr] = await Promise.all([once(child, 'close'), text(child.stderr)]);
      expect(code).toBe(0);
      expect(stderr).toMatch(/^[^\n]*no descriptor is left[^\n]*\n$/);
    },
  );

  it('survives a reader that has gone', async () => {
    const child = startFixture('flood.mjs', [String(LINES)]);
    child.stderr?.destroy();
    expect((await flooded(child)).grown).toBeLessThan(4 * MIB);
    child.stdin?.end();
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  it.runIf(existsSync('/dev/full'))('survives a full disk', async () => {
    const full = openSync('/dev/full', 'w');
    const child = startFixture('flood.mjs', [String(LINES)], { stdio: ['pipe', 'pipe', full] });
    closeSync(full);
    expect((await flooded(child)).grown).toBeLessThan(4 * MIB);
    child.stdin?.end();
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  it.runIf(existsSync('/usr/bin/script'))('does not wait for a terminal that is stopped', async () => {
    // script(1) runs the fixture in a terminal, and stops reading that terminal while nobody reads its own output.
    const directory = mkdtempSync(join(tmpdir(), 'wsproxy-log-'));
    const result = join(directory, 'result.json');
    const command = `${process.execPath} --expose-gc ${fixturePath('flood.mjs')} ${LINES} > ${result}`;
    const terminal = spawn('script', ['--quiet', '--command', command, '/dev/null'], { stdio: 'pipe' });
    try {
      await vi.waitFor(() => expect(readFileSync(result, 'utf8')).toContain('\n'), { timeout: 9000 });
      expect(JSON.parse(readFileSync(result, 'utf8')).grown).toBeLessThan(4 * MIB);
    } finally {
      terminal.kill('SIGKILL');
      rmSync(directory, { recursive: true });
    }
  });
});
