import type { Clock } from 'wsproxy-engine';
import {
  type Added,
  DEADLINE,
  type Facts,
  type Holding,
  type KeptTicket,
  type OnNews,
  type Store,
  StoreError,
  type Sum,
  type Want,
} from './store.js';

/** The store of the parent, as the worker with this `uid` sees it by messages. */
export function createParentStore(port: MessagePort, uid: string, clock: Pick<Clock, 'setTimer'>): Store {
  return new ParentStore(port, uid, clock);
}

/** Answers a worker from the store that `enter` makes for its uid; returns what to call with each message of the worker. */
export function answerWorker(
  port: Pick<MessagePort, 'post'>,
  enter: (uid: string) => Store,
): (message: unknown) => void {
  let store: Store | undefined;
  return (message) => {
    if (!isMessage(message)) return;
    if (message.kind === 'store entry') {
      store = enter(message.uid);
      store.watch((keys) => port.post({ kind: 'store news', keys } satisfies Message));
    }
    if (message.kind === 'store call' && store !== undefined)
      void answer(message, store).then((reply) => port.post(reply));
  };
}

/** A way for messages between a worker and its parent, in their order. Others may use it as well. */
export interface MessagePort {
  /** Objects, lists, texts, numbers and booleans. */
  post(message: unknown): void;
  /** From now on each message of the other end is told to `listener` as well. */
  onMessage(listener: (message: unknown) => void): void;
}

type Method = 'add' | 'take' | 'give' | 'read' | 'find' | 'spend' | 'addTicket' | 'spendTicket';

interface Call {
  readonly kind: 'store call';
  readonly id: number;
  readonly method: Method;
  readonly args: readonly unknown[];
}

interface Reply {
  readonly kind: 'store reply';
  readonly id: number;
  /** Undefined: there is none, or it has failed. */
  readonly value?: unknown;
  readonly failure?: { readonly code: StoreError['code']; readonly message: string };
}

type Message =
  /** The first one of a worker. */
  | { readonly kind: 'store entry'; readonly uid: string }
  | Call
  | Reply
  | { readonly kind: 'store news'; readonly keys: readonly string[] };

class ParentStore implements Store {
  readonly #port: MessagePort;
  readonly #clock: Pick<Clock, 'setTimer'>;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #calls = 0;
  #onNews: OnNews = () => {};

  constructor(port: MessagePort, uid: string, clock: Pick<Clock, 'setTimer'>) {
    this.#port = port;
    this.#clock = clock;
    port.post({ kind: 'store entry', uid } satisfies Message);
    port.onMessage((message) => {
      if (!isMessage(message)) return;
      if (message.kind === 'store news') this.#onNews(message.keys);
      // One that has come too late, or twice, has nobody who waits for it.
      if (message.kind === 'store reply') this.#waiting.get(message.id)?.(message);
    });
  }

  add(...args: Parameters<Store['add']>): Promise<Added> {
    return this.#call('add', args);
  }

  take(...args: [wants: readonly Want[]]): Promise<readonly number[]> {
    return this.#call('take', args);
  }

  give(...args: [holdings: readonly Holding[]]): Promise<void> {
    return this.#call('give', args);
  }

  read(...args: [mark?: number]): Promise<Facts> {
    return this.#call('read', args);
  }

  find(...args: [keys: readonly string[]]): Promise<readonly (readonly string[])[]> {
    return this.#call('find', args);
  }

  spend(...args: [month: string, sums: readonly Sum[]]): Promise<readonly number[]> {
    return this.#call('spend', args);
  }

  addTicket(...args: [ticket: KeptTicket]): Promise<boolean> {
    return this.#call('addTicket', args);
  }

  spendTicket(...args: [digest: string]): Promise<string | undefined> {
    return this.#call('spendTicket', args);
  }

  watch(onNews: OnNews): void {
    this.#onNews = onNews;
  }

  /** The parent sees by itself that a worker ends. */
  async close(): Promise<void> {
    this.#onNews = () => {};
  }

  #call<T>(method: Method, args: readonly unknown[]): Promise<T> {
    this.#calls += 1;
    const id = this.#calls;
    return new Promise<T>((resolve, reject) => {
      const timer = this.#clock.setTimer(() => {
        this.#waiting.delete(id);
        reject(new StoreError('away', `no answer of the parent within ${DEADLINE} ms`));
      }, DEADLINE);
      this.#waiting.set(id, ({ value, failure }) => {
        this.#waiting.delete(id);
        timer.cancel();
        if (failure === undefined) resolve(value as T);
        else reject(new StoreError(failure.code, failure.message));
      });
      this.#port.post({ kind: 'store call', id, method, args } satisfies Message);
    });
  }
}

async function answer({ id, method, args }: Call, store: Store): Promise<Reply> {
  try {
    const call = store[method] as (...args: readonly unknown[]) => Promise<unknown>;
    return { kind: 'store reply', id, value: await call.apply(store, [...args]) };
  } catch (error) {
    const { code, message } = error instanceof StoreError ? error : new StoreError('away', String(error));
    return { kind: 'store reply', id, failure: { code, message } };
  }
}

function isMessage(message: unknown): message is Message {
  return (
    typeof message === 'object' && message !== null && String((message as Partial<Message>).kind).startsWith('store ')
  );
}
