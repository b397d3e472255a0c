/** What carries transports: WebSockets, the same over HTTP/2, ordinary requests of HTTP, or what gets through. */
export type TransportChoice = (typeof TRANSPORT_CHOICES)[number];
export const TRANSPORT_CHOICES = ['auto', 'ws', 'h2', 'http'] as const;
