import { TunnelError } from 'wsproxy-engine';
import type { PortRange } from 'wsproxy-node/targets';
import type { User } from '../users/user.js';
import { type ListenPlace, leavesPortToServer } from './rules/listen-place.js';
import { type ListenRule, LOOPBACK_RULES, mayListen, parseListenRule, portsToChoose } from './rules/listen-rule.js';

/** Who may listen where: by the rules, and then by the word of an embedding program. */
export class ListenRights {
  readonly #common: readonly ListenRule[];
  readonly #authorizeListen: AuthorizeListen | undefined;
  /** Of users who have some of their own, parsed once. */
  readonly #own = new WeakMap<readonly string[], readonly ListenRule[]>();

  /** @throws TypeError with what is wrong with a rule */
  constructor({ allowListen = LOOPBACK_RULES, authorizeListen }: ListenRightsOptions) {
    this.#common = allowListen.map(parseListenRule);
    this.#authorizeListen = authorizeListen;
  }

  /** Whether the rules allow it, with a port that is known: of what was bound, and again whenever the rules of `user` are others. */
  allows(user: User, place: ListenPlace): boolean {
    return mayListen(this.#rulesOf(user), place);
  }

  /** The ports that the server may choose for `user` there. */
  portsToChoose(user: User, place: ListenPlace): readonly PortRange[] {
    return portsToChoose(this.#rulesOf(user), place);
  }

  /**
   * Before anything is bound: whether `user` may listen there, or, without a port, at one that the server chooses.
   * @throws TunnelError DENIED; INTERNAL with what the embedding program has thrown
   */
  async judge(user: User, place: ListenPlace, name: string): Promise<void> {
    const isAllowed = leavesPortToServer(place) ? this.portsToChoose(user, place).length > 0 : this.allows(user, place);
    if (!isAllowed) throw new TunnelError('DENIED', 'denied:listen');
    if (this.#authorizeListen === undefined) return;
    if ((await this.#ask(this.#authorizeListen, { user, ...place, name })) !== true)
      throw new TunnelError('DENIED', 'denied:authorizeListen');
  }

  async #ask(authorizeListen: AuthorizeListen, request: AuthorizeListenRequest): Promise<unknown> {
    try {
      return await authorizeListen(request);
    } catch (error) {
      throw new TunnelError('INTERNAL', `authorizeListen: ${String(error)}`, { cause: error });
    }
  }

  #rulesOf({ listen }: User): readonly ListenRule[] {
    if (listen === undefined) return this.#common;
    const rules = this.#own.get(listen) ?? listen.map(parseListenRule);
    this.#own.set(listen, rules);
    return rules;
  }
}

export interface ListenRightsOptions {
  /** The rules of users who have none of their own; default `LOOPBACK_RULES`. */
  readonly allowListen?: readonly string[] | undefined;
  readonly authorizeListen?: AuthorizeListen | undefined;
}

/**
 * Says whether a client may listen where the rules allow it: only `true` lets it. What it throws, or rejects with, refuses it as
 * INTERNAL.
 */
export type AuthorizeListen<U extends User = User> = (request: AuthorizeListenRequest<U>) => boolean | Promise<boolean>;

/** A remote listener that a client asks for. */
export interface AuthorizeListenRequest<U extends User = User> extends ListenPlace {
  /** The one who asks for it. */
  readonly user: U;
  /** What the client calls it: of two with one name of one user the newer takes the place of the older. */
  readonly name: string;
}
