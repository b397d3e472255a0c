import { expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { ListenerLedger, type ListenerStand } from '../../src/remote/listener-ledger.js';
import type { ListenerStatus } from '../../src/tunnel/client-status.js';

const ASKING: ListenerStand = {
  state: 'asking',
  address: undefined,
  server: undefined,
  failure: undefined,
  reason: undefined,
};
const LISTENING: ListenerStand = { ...ASKING, state: 'listening', address: '127.0.0.1:8000', server: 'wss://a/' };

function prepare() {
  const clock = new FakeClock();
  const told: ListenerStatus[] = [];
  const ledger = new ListenerLedger(clock, (status) => told.push(status));
  return { clock, told, ledger };
}

test('a listener is told of when it changes, and since when it stands so', () => {
  const { clock, told, ledger } = prepare();
  let stand = ASKING;
  const entry = ledger.enter({ listen: '127.0.0.1:0', target: 'a:80' }, () => stand);
  expect(told).toEqual([]);
  clock.advance(500);
  expect(ledger.status()).toMatchObject([
    { id: 1, listen: '127.0.0.1:0', target: 'a:80', state: 'asking', sinceMs: 500 },
  ]);
  stand = LISTENING;
  entry.changed();
  expect(told).toMatchObject([{ id: 1, state: 'listening', address: '127.0.0.1:8000', sinceMs: 0 }]);
  clock.advance(1_000);
  stand = { ...LISTENING, address: '127.0.0.1:8001' };
  entry.changed();
  expect(told[1]).toMatchObject({ address: '127.0.0.1:8001', sinceMs: 1_000 });
});

test('what has come to a listener counts as living until it is over, and for ever', () => {
  const { ledger } = prepare();
  const entry = ledger.enter({ listen: '127.0.0.1:0', target: 'a:80' }, () => LISTENING);
  const overs: (() => void)[] = [];
  for (let i = 0; i < 3; i++) entry.arrived({ onOver: (listener) => overs.push(listener) });
  overs[1]?.();
  expect(ledger.status()).toMatchObject([{ arrivals: 2, arrivalsSoFar: 3 }]);
});

test('a listener that was closed is told of once more, and listed no longer', () => {
  const { told, ledger } = prepare();
  let stand = LISTENING;
  const [first] = ['a:80', 'b:80'].map((target) => ledger.enter({ listen: '127.0.0.1:0', target }, () => stand));
  stand = { ...ASKING, state: 'closed' };
  first?.changed();
  expect(told.map(({ id, state }) => [id, state])).toEqual([[1, 'closed']]);
  expect(ledger.status().map(({ id }) => id)).toEqual([2]);
});
