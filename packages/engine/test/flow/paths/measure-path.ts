import { Events } from './events.js';
import { HalfTunnel } from './half-tunnel.js';
import { Link } from './link.js';
import { Tcp } from './tcp.js';

export interface Path {
  readonly roundTrip: number;
  /** Mbit/s down, and up unless that is told. */
  readonly mbit: number;
  readonly up?: number;
  readonly queue?: number;
  readonly jitter?: number;
  readonly loss?: number;
  readonly isBusyUp?: boolean;
  readonly hasForeign?: boolean;
  /** What is not measured at first, ms, and when the run ends. */
  readonly ramp?: number;
  readonly end?: number;
}

/** Mbit/s, and the median of the echoes beside them, ms. */
export interface Measured {
  readonly down: number;
  readonly up: number;
  readonly echo: number;
}

/** When the transfers begin, ms. */
const START = 1_000;
const ECHO_EVERY = 100;
const KEYSTROKE = 64;

/** One transfer, or one each way, and an echo: each on a TCP connection of its own, or all through one tunnel. */
export function measurePath(path: Path, way: 'plain' | 'tunnel', seed: number): Measured {
  const events = new Events(seed);
  const {
    roundTrip,
    mbit,
    up: upMbit = mbit,
    queue = Math.max(20, roundTrip),
    jitter = 0,
    loss = 0,
    ramp = 3_500,
    end = 20_000,
  } = path;
  const link = (rate: number): Link => new Link(events, { mbit: rate, queue, delay: roundTrip / 2, jitter, loss });
  const [up, down] = [link(upMbit), link(mbit)];
  if (path.hasForeign) fill(new Tcp(events, down, up, () => {}));
  const bytes = { down: 0, up: 0 };
  const echoes: number[] = [];
  const run = { events, path, up, down, bytes, echoes, ramp, end };
  if (way === 'plain') runPlain(run);
  else runTunnel(run);
  events.runUntil(end);
  const seconds = (end - ramp) / 1_000;
  echoes.sort((a, b) => a - b);
  const echo = echoes[Math.floor(echoes.length / 2)] ?? Number.POSITIVE_INFINITY;
  return { down: bytes.down / 125_000 / seconds, up: bytes.up / 125_000 / seconds, echo };
}

interface Run {
  readonly events: Events;
  readonly path: Path;
  readonly up: Link;
  readonly down: Link;
  readonly bytes: { down: number; up: number };
  readonly echoes: number[];
  readonly ramp: number;
  readonly end: number;
}

function fill(tcp: Tcp): void {
  tcp.onSpace = () => {
    if (tcp.unacknowledged < 8e6) tcp.write(4e6);
  };
  tcp.onSpace();
}

function runPlain(run: Run): void {
  const { events, path, up, down, bytes, ramp } = run;
  const count = (way: 'down' | 'up') => (length: number) => {
    if (events.now > ramp) bytes[way] += length;
  };
  events.at(START, () => {
    fill(new Tcp(events, down, up, count('down')));
    if (path.isBusyUp) fill(new Tcp(events, up, down, count('up')));
  });
  const said: number[] = [];
  const back = new Tcp(events, down, up, () => note(run, said.shift()));
  const there = new Tcp(events, up, down, (length) => back.write(length));
  every(events, ECHO_EVERY, () => {
    said.push(events.now);
    there.write(KEYSTROKE);
  });
}

function runTunnel(run: Run): void {
  const { events, path, up, down, bytes, ramp, end } = run;
  const [downward, upward] = [new HalfTunnel(events), new HalfTunnel(events)];
  downward.join(new Tcp(events, down, up, (length) => downward.onBytes(length)), upward);
  upward.join(new Tcp(events, up, down, (length) => upward.onBytes(length)), downward);
  every(events, ECHO_EVERY, () => {
    const saidAt = events.now;
    upward.say(KEYSTROKE, () => downward.say(KEYSTROKE, () => note(run, saidAt)));
  });
  every(events, 1_000, () => {
    downward.ping();
    upward.ping();
  });
  events.at(START, () => {
    downward.begin();
    if (path.isBusyUp === true) upward.begin();
  });
  events.at(ramp, () => {
    const before = [downward.delivered, upward.delivered] as const;
    events.at(end, () => {
      bytes.down = downward.delivered - before[0];
      bytes.up = upward.delivered - before[1];
    });
  });
}

function note({ events, echoes, ramp }: Run, saidAt: number | undefined): void {
  if (events.now > ramp && saidAt !== undefined) echoes.push(events.now - saidAt);
}

function every(events: Events, interval: number, run: () => void): void {
  run();
  events.after(interval, () => every(events, interval, run));
}
