import { expect, test } from 'vitest';
import { FakeFlows } from 'wsproxy-test-support/fake-flows';
import type { FlowChange } from '../../src/tunnel/client-status.js';
import { FlowLedger } from '../../src/tunnel/flow-ledger.js';
import { KeepAwake } from '../../src/tunnel/keep-awake.js';

const HANDLER = { onOpen() {}, onFail() {} };

function prepare() {
  const flows = new FakeFlows();
  const changes: FlowChange[] = [];
  const ledger = new FlowLedger(new KeepAwake(), (change) => changes.push(change));
  const answered = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { flows, changes, ledger, answered };
}

test('living flows are shown, oldest first, with what each has carried; those that are over count on', async () => {
  const { flows, ledger, answered } = prepare();
  expect(ledger.status()).toEqual({ bytesUp: 0, bytesDown: 0, flows: [] });
  const tunnel = ledger.over(flows);
  const any = tunnel.openFlow(undefined, { ...HANDLER, kind: 'socks5-udp' });
  any.send(Buffer.from('four'), { host: '192.0.2.1', port: 53 });
  const one = tunnel.openFlow({ host: '::1', port: 53 }, HANDLER);
  expect(ledger.status().flows.map(({ open }) => open)).toEqual([false, false]);
  await answered();
  expect(ledger.status().flows).toMatchObject([
    { id: 1, target: undefined, kind: 'socks5-udp', open: true, datagramsUp: 1, datagramsDown: 0, datagramsDropped: 0 },
    { id: 2, target: '[::1]:53', kind: 'library', open: true, datagramsUp: 0 },
  ]);
  const { bytesUp } = ledger.status();
  expect(bytesUp).toBeGreaterThan(0);
  for (const flow of [any, one]) flow.close();
  expect(ledger.status()).toEqual({ bytesUp, bytesDown: 0, flows: [] });
});

test('what becomes of them is told', async () => {
  const { flows, changes, ledger, answered } = prepare();
  const tunnel = ledger.over(flows);
  tunnel.openFlow(undefined, { ...HANDLER, kind: 'socks5-udp' });
  await answered();
  flows.last.close('TIMED_OUT');
  flows.answer = 'DENIED';
  tunnel.openFlow({ host: 'example.org', port: 53 }, HANDLER);
  await answered();
  expect(changes).toMatchObject([
    { change: 'open', id: 1, target: undefined, kind: 'socks5-udp', failure: undefined },
    { change: 'over', id: 1, failure: 'TIMED_OUT' },
    { change: 'over', id: 2, target: 'example.org:53', failure: 'DENIED' },
  ]);
});

test('those past the tunnel are neither shown nor told of, but keep the process alive as the others do', () => {
  const { flows, changes, ledger } = prepare();
  ledger.hide(flows).openFlow(undefined, HANDLER);
  expect(ledger.status().flows).toEqual([]);
  expect(ledger.size).toBe(1);
  flows.last.close();
  expect(ledger.size).toBe(0);
  expect(changes).toEqual([]);
});
