import { describe, expect, test } from 'vitest';
import { runOnOwnMachine } from 'wsproxy-test-support/programs/own-machine';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';

describe('a whole machine behind redsocks', () => {
  for (const program of ['redsocks', 'iptables', 'dnsmasq', 'dig', 'nc', 'socat', 'ip', 'unshare', 'nsenter']) {
    skipUnlessInstalled(program);
  }

  test('has UDP and TCP of the far end, with nothing configured on it', async (context) => {
    const result = await runOnOwnMachine(context, new URL('inside/whole-machine.ts', import.meta.url));
    const address = { code: 0, stdout: '192.0.2.7\n' };
    expect(result).toMatchObject({ byUdp: address, byTcp: address, echo: { stdout: 'a line\n' } });
  });
});
