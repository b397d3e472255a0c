/** What a port for names allows, beside what the server allows in all. Times in ms. */
export interface NameLimits {
  /** For the head of a request, and for a ClientHello, from accept on. */
  readonly headTime: number;
  readonly helloTime: number;
  /** Between two requests of a connection. */
  readonly idleTime: number;
  /** For a stranger to take something of the answer, or to bring something of the request. */
  readonly stallTime: number;
  /** Requests under way to one owner, those that have become WebSockets among them. */
  readonly requestsPerOwner: number;
  /** Further ones that wait for that, and for how long. */
  readonly waitingPerOwner: number;
  readonly waitTime: number;
  /** Connections to one owner that are kept without a request, and for how long. */
  readonly keptPerOwner: number;
  readonly keptTime: number;
}

export const NAME_LIMITS: Omit<NameLimits, 'headTime'> = {
  helloTime: 5_000,
  idleTime: 60_000,
  stallTime: 60_000,
  // A client takes 256 arrivals of a listener at a time.
  requestsPerOwner: 192,
  waitingPerOwner: 1_024,
  waitTime: 30_000,
  keptPerOwner: 32,
  // Those who answer keep an idle connection for 5 s at least, as a rule.
  keptTime: 4_000,
};
