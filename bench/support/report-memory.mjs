// Loaded into a program whose memory is measured: on SIGUSR2 it collects garbage, as thoroughly as V8 does when a system
// is short of memory, gives free pages back, and tells on standard error what is left.
import { Session } from 'node:inspector/promises';

const session = new Session();
session.connect();

process.on('SIGUSR2', () => void report());

async function report() {
  await session.post('HeapProfiler.collectGarbage');
  process.stderr.write(`${JSON.stringify({ msg: 'memory', ...process.memoryUsage() })}\n`);
}
