import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';

/** What no tunnel may lead to: private, shared, link-local and reserved addresses, metadata services, IPv4 inside IPv6. */
const FORBIDDEN = [
  ...['10.0.0.1', '172.16.0.1', '192.168.0.1', '100.64.0.1', '198.18.0.1', '192.0.2.1'],
  ...['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254'],
  ...['fc00::1', 'fd00::1', '2001:db8::1', '64:ff9b::7f00:1', '2002:7f00:1::', '::127.0.0.1'],
];

const vitest = fileURLToPath(
  new URL('vitest.mjs', `file://${createRequire(import.meta.url).resolve('vitest/package.json')}`),
);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs `command` on a machine of its own that has these addresses, and no others but loopback. */
function onMachineWith(addresses: readonly string[], command: readonly string[]) {
  const adding = addresses.map((address) => `ip addr add ${address} dev lo`).join(' && ');
  const script = `ip link set lo up && ${adding} && exec "$@"`;
  // That a name which rebinds reaches nothing is shown elsewhere, often enough.
  const env = { REBINDINGS: '200' };
  return run('unshare', ['-rn', 'sh', '-c', script, 'sh', ...command], { cwd: root, env, timeout: 110_000 });
}

describe('on a machine that has the forbidden addresses itself', () => {
  skipUnlessInstalled('unshare');
  skipUnlessInstalled('ip');

  test('no spelling and no name leads to a canary on any of them', { timeout: 120_000 }, async (context) => {
    const attempt = await onMachineWith(FORBIDDEN, ['true']);
    if (attempt.code !== 0) context.skip(`skipped: no network namespace of its own: ${attempt.stderr.trim()}`);
    const tests = [process.execPath, vitest, 'run', 'test/hostile/ssrf.test.ts', '--reporter=verbose'];
    const { code, stdout, stderr } = await onMachineWith(FORBIDDEN, tests);
    expect(code, stdout + stderr).toBe(0);
    const barking = /canaries bark on (.+)/.exec(stdout)?.[1]?.split(' ') ?? [];
    expect(barking).toEqual(expect.arrayContaining(FORBIDDEN));
    const passed = /Tests .*?(\d+) passed/.exec(stdout)?.[1];
    console.log(`${passed} tests of ssrf.test.ts passed beside canaries on ${barking.length} addresses`);
  });
});
