import type { Duplex } from 'node:stream';
import type { Clock, Logger } from 'wsproxy-engine';
import { Script } from './script.js';
import { ScriptHost } from './script-host.js';
import { ScriptedConnection, type ScriptedTask } from './scripted-connection.js';

/**
 * Makes ready to show connections to the script in a file.
 * @throws Error in one line when it cannot be used
 */
export async function beginScript(path: string, surroundings: { logger: Logger; clock: Clock }): Promise<Scripting> {
  const host = await ScriptHost.start(path, surroundings);
  const script = new Script(host);
  return {
    carry: (near, far, task) => void new ScriptedConnection(near, far, { ...task, script }).run(),
    close: () => host.close(),
  };
}

export interface Scripting {
  /** Carries a connection of HTTP/1.x. */
  carry(near: Duplex, far: Duplex, task: Omit<ScriptedTask, 'script'>): void;
  close(): Promise<void>;
}
