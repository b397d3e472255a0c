// What the kernel says of running programs (Linux).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** The tables of sockets, and the state there of one that takes anything that comes. */
const TABLES = { tcp: { names: ['tcp', 'tcp6'], state: '0A' }, udp: { names: ['udp', 'udp6'], state: '07' } };

/** CPU seconds, user and system, that the processes have used so far, all their threads. */
export function cpuSeconds(pids) {
  let nanoseconds = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
    }
  }
  return nanoseconds / 1e9;
}

/** Resident memory, bytes. */
export function residentBytes(pid) {
  return memoryLine(pid, 'VmRSS');
}

/** The most of it since the process began, or since `forgetPeak`. */
export function peakBytes(pid) {
  return memoryLine(pid, 'VmHWM');
}

export function forgetPeak(pid) {
  // proc(5).
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function memoryLine(pid, name) {
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

/** Whether somebody listens on `port` where process `pid` is: each network namespace has ports of its own. */
export function isListening(pid, port, kind = 'tcp') {
  const { names, state: wanted } = TABLES[kind];
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return names.some((table) =>
    linesOf(`/proc/${pid}/net/${table}`).some((line) => {
      const [, local = '', , state] = line.trim().split(/\s+/);
      return state === wanted && local.endsWith(ending);
    }),
  );
}

/** Of a process that may have ended: then there are none. */
function linesOf(file) {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** `pid` and all that it has started, and these in turn. */
export function processTree(pid) {
  const children = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = parentOf(entry);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found = [pid];
  for (const each of found) found.push(...(children.get(each) ?? []));
  return found;
}

function parentOf(pid) {
  try {
    // The name in parentheses may hold spaces.
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')[1]);
  } catch {
    return 0;
  }
}
