import type { Clock, Timer } from 'wsproxy-engine';
import { type GiveUpSignal, onAbort } from './on-abort.js';

/**
 * Attempts that start one after the other and run side by side: the next one starts after `delay`, or as soon as one has
 * lost. The first to win ends the others. An attempt for which there is no room waits until there is, or until all before it
 * have lost.
 */
export function race<C, T>(candidates: readonly C[], attempt: Attempt<C, T>, options: RaceOptions): Promise<T> {
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return runAlone(only, attempt, options);
  const { delay, clock, signal, room, failureOf, isFinal = () => false } = options;
  return new Promise((resolve, reject) => {
    const queue = [...candidates];
    /** What gives up each attempt that runs. */
    const running = new Set<() => void>();
    const errors: Error[] = [];
    let timer: Timer | undefined;
    let forgetSignal = () => {};
    /** Places taken in the room. */
    let places = 0;

    const hasRoom = () => {
      if (running.size === 0 || room === undefined) return true;
      if (!room.takeAttempt()) return false;
      places += 1;
      return true;
    };
    /** One attempt at a time needs no place. */
    const releaseRoom = () => {
      for (; places > Math.max(0, running.size - 1); places -= 1) room?.releaseAttempt();
    };
    const end = () => {
      timer?.cancel();
      forgetSignal();
      for (const giveUp of running) giveUp();
      running.clear();
      releaseRoom();
    };
    const fail = (error: unknown) => {
      end();
      reject(error);
    };
    const start = (candidate: C) => {
      if (queue.length + 1 < candidates.length) room?.tryAnother();
      const onWon = (value: T) => {
        if (!running.delete(giveUp)) return;
        end();
        resolve(value);
      };
      const onLost = (error: Error) => {
        if (!running.delete(giveUp)) return;
        errors.push(error);
        releaseRoom();
        if (isFinal(error)) fail(error);
        else startNext();
      };
      const giveUp = attempt(candidate, onWon, onLost);
      running.add(giveUp);
    };
    const startNext = () => {
      timer?.cancel();
      if (queue.length === 0 && running.size === 0) return fail(failureOf(errors));
      if (queue.length > 0 && hasRoom()) start(queue.shift() as C);
      if (queue.length > 0) timer = clock.setTimer(startNext, delay);
    };

    forgetSignal = onAbort(signal, () => fail(signal.reason));
    if (!signal.aborted) startNext();
  });
}

/** The same with one who runs: nothing to wait for, and no room to ask for. */
function runAlone<C, T>(candidate: C, attempt: Attempt<C, T>, { signal, failureOf, isFinal }: RaceOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onWon = (value: T): void => {
      forgetSignal();
      resolve(value);
    };
    const onLost = (error: Error): void => {
      forgetSignal();
      reject(isFinal?.(error) === true ? error : failureOf([error]));
    };
    const giveUp = attempt(candidate, onWon, onLost);
    const forgetSignal = onAbort(signal, () => {
      giveUp();
      reject(signal.reason);
    });
  });
}

/** Starts an attempt, which calls one of the two once, and later, never at once. What is returned gives it up. */
export type Attempt<C, T> = (candidate: C, onWon: (value: T) => void, onLost: (error: Error) => void) => () => void;

export interface RaceOptions {
  /** Head start of an attempt over the next one, ms. */
  readonly delay: number;
  readonly clock: Clock;
  /** Gives up every attempt at once; the promise rejects with its reason. */
  readonly signal: GiveUpSignal;
  /** Default: there is always room. */
  readonly room?: AttemptRoom | undefined;
  /** What the promise rejects with when all have lost; their errors, in the order in which they have. */
  readonly failureOf: (errors: readonly Error[]) => Error;
  /** Whether the race is lost with an attempt that has lost so, no matter what the others may do. Default: it never is. */
  readonly isFinal?: (error: Error) => boolean;
}

/** What attempts may take beyond the first one, for which there is a place already. */
export interface AttemptRoom {
  /** One more attempt begins than the first one, beside those before or after them. */
  tryAnother(): void;
  /** Whether there was a place for one more attempt. Anyone who got it gives it back with `releaseAttempt`. */
  takeAttempt(): boolean;
  releaseAttempt(): void;
}
