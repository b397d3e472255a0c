/** How long a flow may be silent, ms: two minutes at least (RFC 4787, REQ-5). */
export const UDP_IDLE = 120_000;
/** The same where it asks nameservers alone: so short is right for well-known ports, where a question has one answer. */
export const DNS_IDLE = 10_000;
export const DNS_PORT = 53;
