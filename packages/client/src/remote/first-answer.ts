import { TunnelError } from 'wsproxy-engine';
import type { KeptListener } from './kept-listener.js';
import { reasonOf } from './refusal-words.js';

/**
 * Resolves when the listener that `keep` gives listens for the first time. When the server refuses it before that, or there can
 * be no tunnel, it is closed, and this rejects.
 */
export function firstAnswer(
  keep: (onChange: (listener: KeptListener) => void) => KeptListener,
  connect: () => Promise<void>,
): Promise<KeptListener> {
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const refuse = (listener: KeptListener, error: unknown): void => {
      if (isAnswered) return;
      isAnswered = true;
      listener.close();
      reject(error);
    };
    const kept = keep((listener) => {
      if (listener.state === 'listening') {
        isAnswered = true;
        resolve(listener);
      } else if (listener.state === 'closed') refuse(listener, new TunnelError('CANCELLED'));
      else if (listener.failure !== undefined) {
        refuse(listener, new TunnelError(listener.failure, reasonOf(listener.failure)));
      }
    });
    connect().catch((error: unknown) => refuse(kept, error));
  });
}
