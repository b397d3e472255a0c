import { type Clock, TunnelError } from 'wsproxy-engine';
import type { Exclusive } from '../store/exclusive.js';
import type { Exclusives } from '../store/exclusives.js';

/** Host names among several processes: each is held by one of them at a time, no matter what it holds it for. */
export class SharedNames {
  readonly #exclusives: () => Exclusives | undefined;
  readonly #clock: Pick<Clock, 'setTimer'>;
  readonly #names = new Map<string, SharedName>();

  /** `exclusives`: undefined while there are no other processes. */
  constructor(exclusives: () => Exclusives | undefined, clock: Pick<Clock, 'setTimer'>) {
    this.#exclusives = exclusives;
    this.#clock = clock;
  }

  /**
   * Has this process hold a canonical name, or `*.name`, until what is returned is called; `onLost` is called when another process holds
   * it. A process whose listener was just taken over is about to give it back, so this waits for a while.
   * @throws TunnelError when another process holds it
   */
  async hold(pattern: string, onLost: () => void): Promise<() => void> {
    const exclusives = this.#exclusives();
    if (exclusives === undefined) return () => {};
    const name = this.#names.get(pattern) ?? this.#begin(exclusives, pattern);
    name.holders.add(onLost);
    const giveBack = (): void => {
      name.holders.delete(onLost);
      if (name.holders.size > 0) return;
      name.exclusive.give();
      this.#forget(pattern, name);
    };
    if (await name.isHad) return giveBack;
    giveBack();
    throw new TunnelError('ADDRESS_IN_USE', 'another process of the server holds the name');
  }

  #begin(exclusives: Exclusives, pattern: string): SharedName {
    let onHad: (isHad: boolean) => void = () => {};
    const stoodBy = new Promise<boolean>((resolve) => {
      onHad = resolve;
    });
    const exclusive = exclusives.want(keyOfName(pattern), {
      onHad: () => onHad(true),
      onLost: () => {
        this.#forget(pattern, name);
        for (const onLost of [...name.holders]) onLost();
      },
    });
    const take = async (): Promise<boolean> => {
      if (await exclusive.take(false)) return true;
      exclusive.wait();
      const timer = this.#clock.setTimer(() => onHad(false), TIME_TO_GIVE_BACK);
      const isHad = await stoodBy;
      timer.cancel();
      if (!isHad) this.#forget(pattern, name);
      return isHad;
    };
    const name: SharedName = { exclusive, holders: new Set(), isHad: take() };
    this.#names.set(pattern, name);
    return name;
  }

  #forget(pattern: string, name: SharedName): void {
    if (this.#names.get(pattern) === name) this.#names.delete(pattern);
  }
}

/** By which processes know who holds a name. */
export function keyOfName(pattern: string): string {
  return `${KEY_OF_NAME}${pattern}`;
}

export function isKeyOfName(key: string): boolean {
  return key.startsWith(KEY_OF_NAME);
}

const KEY_OF_NAME = '@name/';

interface SharedName {
  readonly exclusive: Exclusive;
  /** What tells them that it is lost. */
  readonly holders: Set<() => void>;
  readonly isHad: Promise<boolean>;
}

/** For another process to give a name back, ms. */
const TIME_TO_GIVE_BACK = 3_000;
