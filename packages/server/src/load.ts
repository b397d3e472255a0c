/**
 * Loads the library in steps: Node opens the files of one import all at once, and a program that may open few would not
 * start.
 */
export async function load(): Promise<typeof import('./index.js')> {
  await import('wsproxy-engine');
  await import('wsproxy-node/dial');
  await import('./limits/guard.js');
  await import('./gateway/gateway.js');
  await import('./listeners/listener-table.js');
  return import('./index.js');
}
