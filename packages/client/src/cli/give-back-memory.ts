/**
 * Has the program give back what it does not need, each time it has come to rest after it was busy. V8 keeps the space for
 * new objects as large as it had to be once, and what became garbage last, slabs of transfers among it, until there is more
 * of it: of a program that rests that is a fifth of its memory, for days.
 */
export function giveBackMemory(process: ProcessInfo, collect: () => Promise<void> = collectGarbage): () => void {
  let cpu = cpuOf(process);
  // Starting is work.
  let isDue = true;
  const look = async (): Promise<void> => {
    const used = cpuOf(process) - cpu;
    if (used > BUSY) isDue = true;
    const isResting = used < AT_REST;
    if (isDue && isResting) {
      isDue = false;
      await collect();
    }
    cpu = cpuOf(process);
  };
  const timer = setInterval(() => void look(), INTERVAL).unref();
  return () => clearInterval(timer);
}

/** What the process tells of itself: CPU time so far, µs. */
export interface ProcessInfo {
  cpuUsage(): { readonly user: number; readonly system: number };
}

/** Between two looks, ms. */
const INTERVAL = 10_000;
/** CPU time from one look to the next that makes a program busy, and the most of one that rests, ms. */
const BUSY = 500;
const AT_REST = 50;

/** ms. */
function cpuOf(process: ProcessInfo): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** As V8 does when a system is short of memory. A Node that was built without an inspector cannot. */
async function collectGarbage(): Promise<void> {
  const inspector = await import('node:inspector/promises').catch(() => undefined);
  if (inspector === undefined) return;
  const session = new inspector.Session();
  session.connect();
  await session.post('HeapProfiler.collectGarbage');
  session.disconnect();
}
