/** Chances per step, of what is not to be expected. */
export interface Faults {
  /** A connection is lost, with what is under way in one direction or both. */
  readonly cut: number;
  /** The same before the server has answered, told by a close code of a proxy. */
  readonly proxyRestart: number;
  /** Nothing gets through a connection any more, and nobody is told. */
  readonly stall: number;
  /** A server cannot be reached for some seconds. */
  readonly outage: number;
  /** A server drains, with its successor there at once. */
  readonly drain: number;
  /** A server drains, and nobody takes its place before it has ended. */
  readonly stop: number;
  /** A server is killed and started again: it remembers nothing. */
  readonly restart: number;
  /** The server ends a session by a close code of its own. */
  readonly expel: number;
  /** The server asks for another transport. */
  readonly migrate: number;
  /** The time of day jumps. */
  readonly sleep: number;
  /** The user asks not to wait. */
  readonly reconnect: number;
}

/** How a run is shaped; chosen by the seed, so that no kind of fault hides another. */
export interface Shape {
  readonly name: string;
  readonly steps: number;
  readonly servers: readonly [least: number, most: number];
  readonly maxTalks: number;
  readonly maxWrite: number;
  readonly maxDelivery: number;
  /** Chance that anyone who may speak resets instead. */
  readonly kills: number;
  readonly faults: Faults;
  /**
   * Whether connections may fail for what happens here. Where they may not, the only excuse is that a request was under
   * way on a connection that was lost: nobody knows then whether it was dialled.
   */
  readonly isLossy: boolean;
  /** Sessions that each server takes. */
  readonly sessions?: number;
  /** The highest channel number. */
  readonly lastChannel?: number;
}

const NONE: Faults = {
  cut: 0,
  proxyRestart: 0,
  stall: 0,
  outage: 0,
  drain: 0,
  stop: 0,
  restart: 0,
  expel: 0,
  migrate: 0,
  sleep: 0,
  reconnect: 0,
};

const COMMON = { maxTalks: 6, maxWrite: 3_000, maxDelivery: 3_000, kills: 0.01, isLossy: false } as const;

export const SHAPES: readonly Shape[] = [
  {
    ...COMMON,
    name: 'connections are lost',
    steps: 220,
    servers: [1, 1],
    faults: { ...NONE, cut: 0.02, proxyRestart: 0.3, migrate: 0.005, reconnect: 0.005 },
  },
  {
    ...COMMON,
    name: 'servers go away and come back, one at a time',
    steps: 320,
    servers: [2, 3],
    maxWrite: 40_000,
    maxDelivery: 20_000,
    faults: { ...NONE, outage: 0.02, reconnect: 0.02 },
  },
  {
    ...COMMON,
    name: 'servers drain, and have successors',
    steps: 250,
    servers: [1, 2],
    maxTalks: 10,
    faults: { ...NONE, drain: 0.02 },
  },
  {
    ...COMMON,
    name: 'servers are killed',
    steps: 250,
    servers: [1, 3],
    faults: { ...NONE, restart: 0.01, reconnect: 0.01 },
  },
  {
    ...COMMON,
    name: 'connections fall silent, and machines sleep',
    steps: 220,
    servers: [1, 2],
    faults: { ...NONE, stall: 0.01, sleep: 0.01, cut: 0.005 },
  },
  {
    ...COMMON,
    name: 'channel numbers are few',
    steps: 250,
    servers: [1, 1],
    maxTalks: 16,
    kills: 0.1,
    lastChannel: 15,
    faults: { ...NONE, cut: 0.01 },
  },
  {
    ...COMMON,
    name: 'everything',
    steps: 300,
    servers: [1, 3],
    maxTalks: 10,
    maxWrite: 30_000,
    maxDelivery: 15_000,
    kills: 0.02,
    sessions: 4,
    isLossy: true,
    faults: {
      cut: 0.01,
      proxyRestart: 0.02,
      stall: 0.004,
      outage: 0.01,
      drain: 0.006,
      stop: 0.004,
      restart: 0.004,
      expel: 0.004,
      migrate: 0.004,
      sleep: 0.004,
      reconnect: 0.01,
    },
  },
];
