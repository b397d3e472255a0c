import type { Target } from 'wsproxy-engine';
import { checkOptions } from 'wsproxy-node/options';
import { parseTarget } from '../options/client-options.js';
import { OPTION_CHECKS } from '../options/option-checks.js';
import { DOCTOR_OPTIONS, OPTIONS, THROUGHPUT } from '../options/options.js';
import { checkTransport } from '../options/resolve-settings.js';
import type { ServerAddress } from '../reach/connect-transport.js';
import type { Reader } from '../reach/option-names.js';
import { parseReach, type ReachOptions } from '../reach/reach.js';
import { parseServerUrl } from '../reach/server-url.js';
import type { TokenSource } from '../reach/token-source.js';
import type { TransportChoice } from '../reach/transport-choice.js';
import { DOCTOR_AGENT } from '../reach/user-agent.js';
import { type Way, waysFor } from '../reach/ways.js';
import { checkClock } from './check-clock.js';
import { checkDatagrams } from './check-datagrams.js';
import { checkDestinations } from './check-destinations.js';
import { checkHeartbeat, checkIdle, IdleWatch } from './check-idle.js';
import { checkListening } from './check-listening.js';
import { checkName } from './check-name.js';
import { checkProxy } from './check-proxy.js';
import { checkQuota } from './check-quota.js';
import { type Begun, checkHttp, checkRoundTrip, checkSession } from './check-session.js';
import { checkSticky } from './check-sticky.js';
import { checkTcp } from './check-tcp.js';
import { checkThroughput } from './check-throughput.js';
import { checkTls } from './check-tls.js';
import { checkWays } from './check-ways.js';
import { type Finding, fail, STEPS, type StepFinding, type StepName, skip } from './finding.js';
import { type Opened, openFirst } from './open-first.js';
import type { ProbeSession } from './probe-session.js';

/**
 * Looks at every part of the way to a server and through it, step by step; what cannot be looked at, since a step before
 * has failed, is skipped. Says nothing to the server but what a client would. Rejects with OptionError when an option is wrong.
 */
export function diagnose(options: DiagnoseOptions, observer: DiagnoseObserver = {}): Promise<Diagnosis> {
  return diagnoseFor('program', options, observer);
}

/** The same, in words for `reader`. */
export async function diagnoseFor(
  reader: Reader,
  options: DiagnoseOptions,
  observer: DiagnoseObserver,
): Promise<Diagnosis> {
  checkOptions({ ...OPTIONS, ...DOCTOR_OPTIONS }, OPTION_CHECKS, options);
  const url = parseServerUrl(options.url);
  const reach = parseReach(url, options, reader);
  const headers = { 'user-agent': DOCTOR_AGENT, ...reach.headers };
  const server = { url, token: options.token, reach: { ...reach, headers } };
  const { transport = 'auto' } = options;
  checkTransport(transport, url);
  const targets = (options.reach ?? []).map(parseTarget);
  const { idle = 0 } = options;
  const examination = new Examination(server, transport, options.signal ?? new AbortController().signal, observer);
  try {
    const quick = options.quick ?? false;
    const mostBytes = quick ? 0 : (options.throughput ?? THROUGHPUT);
    if (mostBytes > 0) observer.onBegin?.(mostBytes);
    await examination.run(targets, idle, quick, mostBytes);
  } finally {
    examination.end();
  }
  return examination.diagnosis;
}

export interface DiagnoseOptions extends ReachOptions {
  /** `wss://host[:port]/path`, or `ws://` to loopback. */
  readonly url: string;
  /** Or what gives it. */
  readonly token: TokenSource;
  /** How to reach the server, as of `createClient`. Default `auto`: by the first way that works. */
  readonly transport?: TransportChoice;
  /** Destinations to reach through the tunnel, `host:port`. Default: none. */
  readonly reach?: readonly string[];
  /** Measures for so long, ms, 1 s to 590 s, when a silent connection is cut. Default 0: not at all. */
  readonly idle?: number;
  /** Leaves out what takes long: throughput and heartbeat. Default false. */
  readonly quick?: boolean;
  /** Bytes that measuring the throughput may move at most, both ways together, 0 for none; default 64 MiB. */
  readonly throughput?: number;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/** Is told how far the examination is. */
export interface DiagnoseObserver {
  /** It will move so many bytes at most to measure the throughput; before anything is done. */
  onBegin?(mostBytes: number): void;
  /** A step goes on; `share` of it is done, 0 to 1. */
  onProgress?(step: StepName, share: number): void;
  onFinding?(finding: StepFinding): void;
}

export interface Diagnosis {
  readonly findings: readonly StepFinding[];
  /** The finding that explains best what is wrong; undefined when nothing is. */
  readonly cause: StepFinding | undefined;
}

/** For each connection of a step, ms. */
const TIMEOUT = 10_000;

class Examination {
  readonly #server: ServerAddress;
  readonly #choice: TransportChoice;
  readonly #signal: AbortSignal;
  readonly #observer: DiagnoseObserver;
  readonly #findings: StepFinding[] = [];
  #opened: Opened | undefined;
  #begun: Begun | undefined;
  #idleWatch: IdleWatch | Finding | undefined;
  /** What was found out with the step before. */
  #arrivals: Finding = skip('not reached');
  /** What the user may still carry this month. */
  #quotaLeft = Infinity;

  constructor(server: ServerAddress, choice: TransportChoice, signal: AbortSignal, observer: DiagnoseObserver) {
    this.#server = server;
    this.#choice = choice;
    this.#signal = signal;
    this.#observer = observer;
  }

  get diagnosis(): Diagnosis {
    const findings = this.#findings;
    const failure = findings.find(({ mark }) => mark === 'fail');
    // A wrong clock explains a certificate that seems to be out of its time.
    const clock = findings.find(({ step, mark }) => step === 'clock' && mark === 'warn');
    const cause = failure?.step === 'tls' && clock !== undefined ? clock : failure;
    return { findings, cause: cause ?? findings.find(({ mark }) => mark === 'warn') };
  }

  async run(targets: readonly Target[], idle: number, quick: boolean, mostBytes: number): Promise<void> {
    const server = this.#server;
    const signal = this.#signal;
    const steps: Readonly<Record<StepName, () => Promise<Finding>>> = {
      name: () => checkName(server),
      tcp: () => checkTcp(server, signal, TIMEOUT),
      proxy: () => checkProxy(server, this.#ways, signal, TIMEOUT),
      tls: () => checkTls(server, signal, TIMEOUT),
      clock: () => checkClock(server, signal, TIMEOUT),
      http: () => this.#openTransport(),
      session: () => this.#beginSession(quick),
      ways: () => checkWays(server, signal, this.#choice),
      sticky: () =>
        this.#withProbe(({ route }, { way, identity }) => checkSticky(server, signal, way, identity, route)),
      'round trip': () => this.#withProbe(checkRoundTrip),
      reach: () => this.#withProbe((probe) => checkDestinations(probe, targets)),
      datagrams: () => this.#withProbe(checkDatagrams),
      listening: () => this.#withProbe((probe) => this.#checkListening(probe)),
      arrivals: async () => this.#arrivals,
      quota: () => this.#withProbe((probe) => this.#checkQuota(probe)),
      throughput: () => this.#unless(quick, () => this.#measureThroughput(mostBytes)),
      heartbeat: () => this.#unless(quick, () => this.#watchHeartbeat()),
      idle: () => this.#checkIdle(idle),
    };
    for (const step of STEPS) {
      this.#progress(step)(0);
      this.#note(step, this.#isBroken(step) ? skip('not reached') : await steps[step]());
    }
  }

  end(): void {
    if (this.#idleWatch instanceof IdleWatch) this.#idleWatch.stop();
    if (this.#begun !== undefined) this.#begun.probe.end();
    else this.#opened?.transport.terminate();
  }

  /**
   * The clock is asked for without trust, and so also when TLS has failed. Ways that the client may not use are tried when those fail
   * that it may.
   */
  #isBroken(step: StepName): boolean {
    const failed = this.#findings.filter(({ mark }) => mark === 'fail').map((finding) => finding.step);
    return failed.some(
      (other) =>
        !['reach', 'quota', 'heartbeat'].includes(other) &&
        !(step === 'clock' && other === 'tls') &&
        !(step === 'ways' && other === 'http' && this.#choice !== 'auto'),
    );
  }

  #note(step: StepName, finding: Finding): void {
    const found = { step, ...finding };
    this.#findings.push(found);
    this.#observer.onFinding?.(found);
  }

  #progress(step: StepName): (share: number) => void {
    return (share) => this.#observer.onProgress?.(step, Math.min(1, share));
  }

  async #unless(isLeftOut: boolean, check: () => Promise<Finding>): Promise<Finding> {
    return isLeftOut ? skip(`left out by ${this.#server.reach.names.quick}`) : check();
  }

  async #openTransport(): Promise<Finding> {
    const [finding, opened] = await checkHttp(this.#ways, this.#server, this.#signal);
    this.#opened = opened;
    return finding;
  }

  /** Those that the client may use. */
  get #ways(): readonly Way[] {
    return waysFor(this.#choice, this.#server.url);
  }

  async #beginSession(quick: boolean): Promise<Finding> {
    if (this.#opened === undefined) return skip('not reached');
    const openNext = async (failed: Way): Promise<Opened | undefined> => {
      const ways = this.#ways.slice(this.#ways.indexOf(failed) + 1);
      this.#opened = (await openFirst(ways, this.#server, this.#signal)).opened;
      return this.#opened;
    };
    const [finding, begun] = await checkSession(this.#opened, openNext);
    this.#begun = begun;
    // Beside the steps that follow, which then need not be waited for.
    if (begun !== undefined && !quick) this.#idleWatch = await IdleWatch.begin(this.#server, this.#signal, begun.way);
    return finding;
  }

  async #withProbe(check: (probe: ProbeSession, begun: Begun) => Promise<Finding>): Promise<Finding> {
    const begun = this.#begun;
    if (begun === undefined) return skip('not reached');
    const { probe } = begun;
    const broken = (what: string): Finding => fail(what, 'see the log of the server');
    return Promise.race([
      check(probe, begun).catch(({ message }: Error) => broken(message)),
      probe.lost.then(({ reason }) => broken(`the tunnel was cut meanwhile: ${reason}`)),
    ]);
  }

  async #checkListening(probe: ProbeSession): Promise<Finding> {
    const [listening, arrivals] = await checkListening(probe);
    this.#arrivals = arrivals;
    return listening;
  }

  async #checkQuota(probe: ProbeSession): Promise<Finding> {
    const [finding, left] = await checkQuota(probe);
    this.#quotaLeft = left;
    return finding;
  }

  /** An examination must not use up what it is to help with. */
  async #measureThroughput(mostBytes: number): Promise<Finding> {
    if (mostBytes === 0) return skip(`not asked for: ${this.#server.reach.names.throughput}`);
    const budget = Math.min(mostBytes, this.#quotaLeft / 10);
    return this.#withProbe((probe) => checkThroughput(probe, budget, this.#progress('throughput')));
  }

  async #checkIdle(idle: number): Promise<Finding> {
    if (idle === 0) return skip(`not asked for: ${this.#server.reach.names.idle}`);
    if (this.#begun === undefined) return skip('not reached');
    return checkIdle(this.#server, this.#begun.way, idle, this.#signal, this.#progress('idle'));
  }

  async #watchHeartbeat(): Promise<Finding> {
    const watch = this.#idleWatch;
    if (watch === undefined) return skip('not reached');
    return checkHeartbeat(watch, this.#server.reach.names, this.#signal, this.#progress('heartbeat'));
  }
}
