import { type Channel, type Flow, isOver } from 'wsproxy-engine';
import { LONGEST_TIME } from 'wsproxy-node/options';

/**
 * Keeps the process alive while somebody has a reason. Connections and timers of a client do not by themselves, so that
 * a program ends when it has done its work, though its tunnel is still up.
 */
export class KeepAwake {
  readonly #reasons = new Set<object>();
  #timer: NodeJS.Timeout | undefined;

  /** Until `release` of the same reason. */
  hold(reason: object): void {
    this.#reasons.add(reason);
    this.#timer ??= setInterval(() => {}, LONGEST_TIME);
  }

  release(reason: object): void {
    this.#reasons.delete(reason);
    if (this.#reasons.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** While `task` goes on. */
  async during<T>(task: () => Promise<T>): Promise<T> {
    const reason = {};
    this.hold(reason);
    try {
      return await task();
    } finally {
      this.release(reason);
    }
  }

  /** A channel is a reason as long as it lives, or none any more. */
  readonly forChannel = (channel: Channel, isReason: boolean): void => {
    if (!isReason) this.release(channel);
    else if (!isOver(channel.state)) this.hold(channel);
  };

  /** The same for a flow. */
  readonly forFlow = (flow: Flow, isReason: boolean): void => {
    if (!isReason) this.release(flow);
    else if (!flow.state.dead) this.hold(flow);
  };
}
