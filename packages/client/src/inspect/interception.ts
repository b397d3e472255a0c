import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';
import { type Clock, parseName, type Target } from 'wsproxy-engine';
import { tlsAlertOf } from 'wsproxy-node/internals';
import { joinStreams, resetSocket } from 'wsproxy-node/sockets';
import { type DestinationRule, matchesDestination } from 'wsproxy-node/targets';
import type { ClientHello } from 'wsproxy-node/tls-hello';
import type { Authority } from './ca/authority.js';
import { readFirstBytes } from './first-bytes.js';
import { Http1Reader } from './http/http1-reader.js';
import { Http2Reader } from './http/http2-reader.js';
import { Teller } from './http/tell.js';
import { joinWatched } from './join-watched.js';
import type { PassedThrough } from './passed-through.js';
import type { Scripting } from './script/begin-script.js';
import { Distrust, HIGH_WATER, namesOf, secureTrueEnd, TlsRefusal } from './true-end.js';
import type { Destination, Watcher } from './watcher.js';

/** What every connection has in common. */
export interface InterceptionTask {
  readonly rules: readonly DestinationRule[];
  readonly authority: Authority;
  readonly watcher: Watcher;
  readonly passed: PassedThrough;
  /** With the CAs that destinations are verified by; undefined: those that Node trusts. */
  readonly trust: SecureContext | undefined;
  readonly clock: Clock;
  readonly script: Scripting | undefined;
}

/** Stands between an application and its destination. */
export class Interception {
  readonly #task: InterceptionTask;
  readonly #where: Target;
  readonly #connection: number;
  readonly #dialAgain: () => Duplex;

  /** `connection` is its number. `dialAgain`: another connection to the same destination. */
  constructor(task: InterceptionTask, where: Target, connection: number, dialAgain: () => Duplex) {
    this.#task = task;
    this.#where = where;
    this.#connection = connection;
    this.#dialAgain = dialAgain;
  }

  /** `near` leads to the application, `far` to the destination. */
  async run(near: Duplex, far: Duplex): Promise<void> {
    for (const stream of [near, far]) stream.on('error', () => {});
    const first = await readFirstBytes(near, far, this.#task.clock);
    if (first.kind === 'tls') return this.#runTls(near, far, first.hello);
    if (first.kind === 'other') return this.#passThrough(near, far, first.reason);
    this.#watch(near, far, first.kind, false);
  }

  async #runTls(near: Duplex, far: Duplex, hello: ClientHello): Promise<void> {
    const { passed, trust } = this.#task;
    const name = this.#nameOf(hello);
    const reason = this.#whyNot(hello, name.host);
    if (reason !== undefined) return this.#passThrough(near, far, reason);
    if (passed.isGivenUp(name)) return joinStreams(near, far);
    const protocols = this.#protocolsFor(hello);
    // An application that leaves meanwhile takes its destination along.
    const onLeft = (): void => resetSocket(far);
    near.once('close', onLeft);
    let trueEnd: TLSSocket;
    try {
      trueEnd = await secureTrueEnd(far, { name: name.host, protocols, trust });
    } catch (error) {
      near.off('close', onLeft);
      return this.#onTrueEndFailed(near, far, name, error);
    }
    near.off('close', onLeft);
    this.#secureOwnEnd(near, trueEnd, name);
  }

  /** Those of the application that can be looked into; a script sees HTTP/1.1 alone. */
  #protocolsFor({ protocols }: ClientHello): readonly string[] | undefined {
    const spoken = protocols?.filter((protocol) => SPOKEN.has(protocol));
    const hasChoice = this.#task.script !== undefined && spoken?.includes('http/1.1') === true;
    return hasChoice ? ['http/1.1'] : spoken;
  }

  /** What the application wants a certificate for. */
  #nameOf({ serverName = '' }: ClientHello): Destination {
    const { host, port } = this.#where;
    return { host: parseName(serverName) ?? host, port };
  }

  /** Why this connection cannot be looked into. */
  #whyNot({ serverName, isEncrypted, protocols }: ClientHello, name: string): string | undefined {
    const { host } = this.#where;
    const isAnother = serverName !== undefined && name !== host;
    // Who makes believe that there is another name asks for the true one.
    if (isEncrypted && isAnother && isIP(host) === 0) return 'the name that it asks for is encrypted (ECH)';
    if (isAnother && !this.#isRuled(name)) return `it asks for ${name}, which no rule names`;
    if (protocols !== undefined && !protocols.some((protocol) => SPOKEN.has(protocol))) {
      return `it speaks ${protocols[0]}, not HTTP`;
    }
    return undefined;
  }

  #isRuled(name: string): boolean {
    return this.#task.rules.some((rule) => matchesDestination(rule, name, this.#where.port));
  }

  /** The application is to see for itself what is wrong there, and to judge it as if nobody stood here. */
  #onTrueEndFailed(near: Duplex, far: Duplex, name: Destination, error: unknown): void {
    const { passed } = this.#task;
    const isTold = error instanceof Distrust || error instanceof TlsRefusal;
    if (!isTold || near.destroyed) return void [near, far].forEach(resetSocket);
    far.destroy();
    // It may be another server the next time, or have another certificate.
    if (error instanceof Distrust) passed.tell(this.#where, error.message);
    else passed.giveUp(name, this.#where, error.message);
    joinStreams(near, this.#dialAgain());
  }

  /** TLS with the application, in the name of the destination, now that this is known to be what it says. */
  #secureOwnEnd(near: Duplex, trueEnd: TLSSocket, name: Destination): void {
    const { authority, passed, clock } = this.#task;
    const protocol = trueEnd.alpnProtocol || undefined;
    const names = new Set([
      name.host,
      ...namesOf(trueEnd)
        .filter((other) => this.#isNamed(other))
        .slice(0, MAX_NAMES),
    ]);
    const ownEnd = new TLSSocket(near, {
      // The types do not know it.
      ...{ highWaterMark: HIGH_WATER },
      isServer: true,
      secureContext: authority.contextFor([...names] as [string, ...string[]], new Date(clock.wallTime())),
      ...(protocol !== undefined && { ALPNProtocols: [protocol] }),
    });
    let refusal: Error | undefined;
    const onError = (error: Error): void => {
      refusal = error;
    };
    const onClose = (): void => {
      resetSocket(trueEnd);
      const alert = refusal && tlsAlertOf(refusal);
      // Browsers leave connections that they do not need any more. Who does not trust it mostly says so.
      if (alert === undefined && passed.isTrusted(name)) return;
      const why = alert === undefined ? 'it has ended the handshake' : `alert ${alert}`;
      passed.giveUp(name, this.#where, `the application does not trust the CA (${why})`);
    };
    ownEnd.on('error', onError).once('close', onClose);
    const onLost = (): void => {
      ownEnd.off('close', onClose);
      resetSocket(ownEnd);
    };
    trueEnd.once('close', onLost);
    // `secure` of a socket that belongs to no server.
    ownEnd.once('secure', () => {
      ownEnd.off('close', onClose);
      trueEnd.off('close', onLost);
      this.#noteTrust(ownEnd, trueEnd, name);
      void this.#runSecured(ownEnd, trueEnd, protocol);
    });
  }

  /** Some applications look at a certificate once the handshake is over, and leave without a word. */
  #noteTrust(ownEnd: TLSSocket, trueEnd: TLSSocket, name: Destination): void {
    const { passed, clock } = this.#task;
    if (passed.isTrusted(name)) return;
    const begin = clock.now();
    ownEnd.once('data', () => passed.noteTrust(name)).pause();
    const judge = (): void => {
      if (passed.isTrusted(name) || trueEnd.readableEnded || trueEnd.destroyed) return;
      // Browsers open connections in advance, and leave those that they have not needed.
      if (clock.now() - begin > LONGEST_SIGHT) return;
      passed.giveUp(name, this.#where, 'the application has left at the sight of the certificate');
    };
    ownEnd.once('end', judge).once('close', judge);
  }

  async #runSecured(ownEnd: TLSSocket, trueEnd: TLSSocket, protocol: string | undefined): Promise<void> {
    if (protocol === 'h2' || protocol === 'http/1.1') return this.#watch(ownEnd, trueEnd, protocol, true);
    const first = await readFirstBytes(ownEnd, trueEnd, this.#task.clock);
    if (first.kind === 'other') return this.#passThrough(ownEnd, trueEnd, first.reason);
    if (first.kind === 'tls') return this.#passThrough(ownEnd, trueEnd, 'there is TLS in its TLS');
    this.#watch(ownEnd, trueEnd, first.kind, true);
  }

  #isNamed(name: string): boolean {
    return this.#task.rules.some((rule) => rule.hasHost(name));
  }

  #watch(near: Duplex, far: Duplex, protocol: 'http/1.1' | 'h2', isSecure: boolean): void {
    const { watcher, passed, clock, script } = this.#task;
    const { host, port } = this.#where;
    const facts = { connection: this.#connection, destination: { host, port }, isSecure };
    const teller = new Teller(watcher, facts, () => clock.wallTime());
    const onUnreadable = (problem: string): void =>
      passed.tell(this.#where, `what it speaks cannot be read: ${problem}`);
    if (script !== undefined) {
      if (protocol === 'http/1.1') return script.carry(near, far, { teller, onUnreadable });
      passed.tell(this.#where, 'the script alone does not see it, since it speaks HTTP/2 alone');
    }
    const reader = protocol === 'h2' ? new Http2Reader(teller) : new Http1Reader(teller);
    joinWatched(near, far, reader, onUnreadable);
  }

  #passThrough(near: Duplex, far: Duplex, reason: string): void {
    this.#task.passed.tell(this.#where, reason);
    joinStreams(near, far);
  }
}

/** By their names in TLS (RFC 7301). */
const SPOKEN: ReadonlySet<string> = new Set(['h2', 'http/1.1']);
const MAX_NAMES = 100;
/** So soon those leave whom the certificate does not please, ms. */
const LONGEST_SIGHT = 5_000;
