import { describe, expect, test } from 'vitest';
import { runCommand, start } from 'wsproxy-test-support/programs/command-line';

/** A server with these arguments, and what `doctor` says of it, and it of the doctor. */
async function examine(serverArgs: readonly string[], ...args: string[]) {
  const { program, port } = await start('wsproxy-server', [...serverArgs, '--log-level', 'info']);
  const { stdout, code } = await runCommand('wsproxy-client', ['doctor', `ws://127.0.0.1:${port}/`, ...args], {
    timeout: 100_000,
  });
  program.signal('SIGTERM');
  const lines = (await program.ended).stderr.trimEnd().split('\n');
  return { stdout, code, log: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('an examination', () => {
  test('is marked in the log of the server, in every line, and is no reason for alarm there', async () => {
    const { code, stdout, log } = await examine([], '--quick');
    expect(code).toBe(0);
    expect(stdout).not.toContain('Moves up to');
    const about = log.filter(({ msg }) => msg !== 'ready' && msg !== 'stopping');
    expect(new Set(about.map(({ probe }) => probe))).toEqual(new Set([true]));
    // One, and one for each way to the server.
    expect(about.filter(({ msg }) => msg === 'session began')).toHaveLength(4);
    // All that a server should keep from its clients is asked for once, and nothing to measure with.
    expect(
      about.filter(({ msg }) => msg === 'channel refused').map(({ code: failure, target }) => [failure, target]),
    ).toEqual([
      ['DENIED', '169.254.169.254:80'],
      ['DENIED', '127.0.0.1:9'],
    ]);
    expect(log.filter(({ level }) => level !== 'info')).toEqual([]);
  });

  // Both at the same time: each watches the heartbeat, which takes long.
  test('says before it begins what it will move, moves no more, and nothing when little of the quota is left', async () => {
    const [{ stdout, log }, { stdout: little }] = await Promise.all([
      examine([], '--throughput', '3M'),
      examine(['--max-monthly-bytes', '1M'], '--throughput', '8M'),
    ]);
    expect(stdout).toMatch(/^Moves up to 3 MiB through the tunnel to measure it; --throughput off, or --quick,/);
    expect(stdout).toMatch(/^✓ quota +[\d.]+ MB this month, and there is no limit$/m);
    expect(stdout).toMatch(/^✓ throughput /m);
    const moved = log.filter(({ msg }) => msg === 'channel over').map(({ bytesUp, bytesDown }) => [bytesUp, bytesDown]);
    const sum = moved.flat().reduce<number>((all, bytes) => all + Number(bytes), 0);
    expect(sum).toBeGreaterThan(524_288);
    expect(sum).toBeLessThan(3 * 1_048_576);
    expect(little).toMatch(/^✓ quota +0\.0 MB of 1\.0 MB used this month, which ends before \d{4}-\d\d-01 \(UTC\)$/m);
    expect(little).toMatch(/^– throughput +so little of the quota is left that nothing is measured$/m);
  });
});
