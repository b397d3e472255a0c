import type { Clock } from 'wsproxy-engine';
import { type KeptTicket, TICKET_TIME, TICKETS, TICKETS_PER_USER, type TicketKeeper } from './store.js';

/** Tickets in the memory of one process. */
export class TicketMemory implements TicketKeeper {
  readonly #clock: Pick<Clock, 'now'>;
  /** By digest, the oldest first. */
  readonly #tickets = new Map<string, Lasting>();
  /** How many each user has. */
  readonly #counts = new Map<string, number>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  async addTicket(ticket: KeptTicket): Promise<boolean> {
    this.#forgetOld();
    const { digest, user } = ticket;
    const count = this.#counts.get(user) ?? 0;
    if (count >= TICKETS_PER_USER || this.#tickets.size >= TICKETS) return false;
    this.#tickets.set(digest, { ticket, until: this.#clock.now() + TICKET_TIME });
    this.#counts.set(user, count + 1);
    return true;
  }

  async spendTicket(digest: string): Promise<string | undefined> {
    this.#forgetOld();
    const ticket = this.#tickets.get(digest)?.ticket;
    if (ticket !== undefined) this.#forget(ticket);
    return ticket?.value;
  }

  #forgetOld(): void {
    const now = this.#clock.now();
    for (const { ticket, until } of this.#tickets.values()) {
      if (now < until) return;
      this.#forget(ticket);
    }
  }

  #forget({ digest, user }: KeptTicket): void {
    this.#tickets.delete(digest);
    const count = (this.#counts.get(user) ?? 0) - 1;
    if (count > 0) this.#counts.set(user, count);
    else this.#counts.delete(user);
  }
}

interface Lasting {
  readonly ticket: KeptTicket;
  readonly until: number;
}
