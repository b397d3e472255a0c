import { OptionError } from 'wsproxy-node/options';

/** What the command line says of pages. */
export interface TicketFlags {
  readonly tickets?: string;
  readonly allowOrigin?: readonly string[];
}

/** @throws OptionError for tickets by which no page could ever come in */
export function checkTickets({ tickets, allowOrigin = [] }: TicketFlags): void {
  if (tickets !== undefined && allowOrigin.length === 0)
    throw new OptionError('tickets', 'it takes --allow-origin, which names the pages');
}
