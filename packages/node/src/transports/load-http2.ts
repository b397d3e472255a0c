import { getBuiltinModule } from 'node:process';

/** Node's module, once somebody speaks HTTP/2: it takes its time and memory to load, and most processes have no use for it. */
export function loadHttp2(): typeof import('node:http2') {
  return getBuiltinModule('node:http2');
}
