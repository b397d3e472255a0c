import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { WorkerProcess } from '../../src/workers/worker-process.js';
import { closeWith } from '../peer.js';
import { FakeChild } from './fake-child.js';

test('the load of a worker is the sessions that it tells, and the connections of late, which may be no sessions yet', async () => {
  const child = new FakeChild(1);
  const worker = new WorkerProcess(1, child.asChild, {
    write: () => true,
    onSilent: () => {},
    onHeard: () => {},
    onFree: () => {},
    onPlace: () => {},
  });
  child.isReady();
  const connection = connect(1, '127.0.0.1').on('error', () => {});
  closeWith(() => void connection.destroy());
  const loads = [worker.load];
  for (let n = 0; n < 2; n++) {
    const taken = worker.give(connection, 'clients');
    child.says({ kind: 'taken', isTaken: true });
    await taken;
    loads.push(worker.load);
  }
  for (let n = 0; n < 2; n++) {
    child.says({ kind: 'pong', sessions: 40 });
    loads.push(worker.load);
  }
  expect(loads).toEqual([0, 1, 2, 42, 40]);
});
