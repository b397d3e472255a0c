import type { GatewayOptions } from '../gateway/gateway-options.js';
import { known, type Refusal } from '../gateway/refusal.js';
import { TicketError, type TicketErrorCode } from './ticket-error.js';
import type { Tickets } from './tickets.js';

/** What the gateway does with tickets; it gives some on `path`, if that is one. */
export function gatewayTicketsOf(
  tickets: Tickets | undefined,
  path: string | true | undefined,
): Pick<GatewayOptions, 'spendTicket' | 'tickets'> {
  if (tickets === undefined) return {};
  const spendTicket: GatewayOptions['spendTicket'] = (...shown) => tickets.spend(...shown);
  if (typeof path !== 'string') return { spendTicket };
  return {
    spendTicket,
    tickets: {
      path,
      createTicket: (user, origin) =>
        tickets.create(user, { origin }).catch((error: unknown): Refusal => {
          if (error instanceof TicketError) return refusalOf(error.code, user.id);
          throw error;
        }),
    },
  };
}

function refusalOf(code: TicketErrorCode, user: string): Refusal {
  if (code === 'TOO_MANY_TICKETS') return known(429, 'too many tickets', user);
  return known(503, code === 'STORE_AWAY' ? 'the store is away' : 'authentication failed', user);
}
