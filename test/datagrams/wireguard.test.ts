import { describe, expect, test } from 'vitest';
import type { FlowStatus } from 'wsproxy-client';
import { effort } from 'wsproxy-test-support/engine/effort';
import { runOnOwnMachine } from 'wsproxy-test-support/programs/own-machine';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';

const KILLS = effort('KILLS', 4);
/** ms. */
const OUTAGE = effort('OUTAGE', 2_000);
/** What iperf3 has in its socket when it ends is not waited for, bytes. */
const UNCOUNTED = 600_000;

interface Result {
  readonly sources: readonly string[];
  readonly pings: { readonly sent: number; readonly received: number };
  readonly transfer: { readonly error?: string; readonly wanted: number; readonly received: number };
  readonly transports: number;
  readonly flows: readonly FlowStatus[];
}

describe('WireGuard', () => {
  for (const program of ['wireguard-go', 'wg', 'iperf3', 'ping', 'ip', 'unshare', 'nsenter']) {
    skipUnlessInstalled(program);
  }

  test(
    'goes on, with a ping and TCP inside, from the same port, whenever the WebSocket is lost',
    async (context) => {
      const script = new URL('inside/wireguard.ts', import.meta.url);
      const timeout = 60_000 + KILLS * 2_000 + OUTAGE * 3;
      const result = await runOnOwnMachine<Result>(context, script, [String(KILLS), String(OUTAGE)], timeout);
      console.log(JSON.stringify(result));
      const { pings, transfer, flows, ...rest } = result;
      expect(rest).toMatchObject({ sources: [expect.stringMatching(/^10\.91\.0\.1:\d+$/)] });
      // Kills that come at one age are forestalled by further transports.
      expect(result.transports).toBeGreaterThanOrEqual(KILLS + 2);
      // One flow for all that time, which says what it could not carry.
      expect(flows).toEqual([expect.objectContaining({ kind: 'forward-udp', open: true })]);
      expect(flows[0]?.datagramsDropped).toBeGreaterThan(0);
      expect(transfer.error).toBe(undefined);
      expect(transfer.received).toBeGreaterThanOrEqual(transfer.wanted - UNCOUNTED);
      // All that may be missing are those of the outage, and some of each loss.
      expect(pings.sent - pings.received).toBeLessThan(OUTAGE / 100 + KILLS * 10 + 20);
    },
    120_000 + KILLS * 2_000 + OUTAGE * 3,
  );
});
