import type { Clock, SlabPool } from 'wsproxy-engine';
import { type Exchange, giveUp } from '../exchange.js';
import type { Halves, HalvesHolder } from './http-transport.js';
import type { MessageBody } from './message-body.js';
import { FIRST_PADDING, MAX_BODY, type Part } from './part.js';
import { PollOutlet } from './poll-outlet.js';
import { Heard, padding, RECORD_HEAD, RecordKind, RecordReader, record } from './records.js';
import { RestOfBody } from './rest-of-body.js';
import { StreamOutlet } from './stream-outlet.js';

/** What a client's requests bring, and their answers carry, at the server's end. */
export class ServerHalves implements Halves {
  holder!: HalvesHolder;
  readonly #memory: SlabPool;
  readonly #down: StreamOutlet | PollOutlet;
  /** Those whose answers have not ended yet, no matter what they are for. */
  readonly #exchanges = new Set<Exchange>();
  /** Requests whose bodies are being read. */
  readonly #bodies = new Set<Pausable>();
  /** The number of the last piece. */
  #piece = 0;
  #isPieceUnderWay = false;
  #stream: 'none' | 'silent' | 'used' = 'none';
  /** What this end has to say has left. */
  #hasLeft = false;
  /** The client's last record has come, and the client knows. */
  #isConfirmed = false;
  #onOver: (() => void) | undefined;

  /** `opening`: the request with which it begins, as `part`. `headers`: of each answer; more of them on the first. */
  constructor(part: Part, exchange: Exchange, options: ServerHalvesOptions) {
    const { body, answer } = exchange;
    const { memory, clock, headers, opening } = options;
    const onDrain = (): void => this.holder.onDrain();
    const heard = record(RecordKind.heard, Buffer.of(Heard.open));
    this.#memory = memory;
    body.resume();
    if (part.what === 'open-poll') {
      this.#down = new PollOutlet({ memory, clock, headers, onDrain, onLost: (reason) => this.holder.onLost(reason) });
      exchange.begin(200, { ...headers, ...opening, 'Content-Length': heard.length });
      answer.on('error', () => {});
      answer.end(heard);
      return;
    }
    this.#down = new StreamOutlet(answer, memory, onDrain);
    this.#follow(exchange);
    answer.once('close', () => {
      if (!exchange.isAnswered) this.holder.onLost('the way down was cut');
    });
    exchange.begin(200, { ...headers, ...opening });
    answer.write(padding(FIRST_PADDING));
    answer.write(heard);
  }

  get backlog(): number {
    return this.#down.backlog;
  }

  /** Takes one of the later requests; false when it is not one that may come now. */
  take(part: Part, exchange: Exchange): boolean {
    if (part.what === 'poll') return this.#down instanceof PollOutlet && this.#down.take(part.n, exchange);
    if (part.what === 'piece') return this.#takePiece(part.n, exchange);
    return part.what === 'stream' && this.#takeStream(exchange);
  }

  send(parts: readonly Uint8Array[]): void {
    this.#down.send(parts);
  }

  /** Over once the client has said its last word, too: a cut that comes sooner may overtake ours on another connection. */
  end(last: Uint8Array, onOver: () => void): void {
    this.#onOver = onOver;
    this.#down.end(last, () => {
      this.#hasLeft = true;
      this.#tellIfOver();
    });
  }

  /** Clients have nothing to say of that. */
  onHeard(): void {}

  giveWay(): void {
    for (const body of this.#bodies) {
      body.pause();
      setImmediate(goOn, body);
    }
  }

  destroy(): void {
    for (const exchange of this.#exchanges) giveUp(exchange);
    if (this.#down instanceof PollOutlet) this.#down.destroy();
  }

  #takePiece(n: number, exchange: Exchange): boolean {
    // What was sent in the body without end came before it, or after it: nobody knows.
    if (n !== this.#piece + 1 || this.#isPieceUnderWay || this.#stream === 'used') return false;
    this.#piece = n;
    this.#isPieceUnderWay = true;
    this.#follow(exchange);
    let left = MAX_BODY + RECORD_HEAD;
    this.#read(exchange, {
      onData: (length) => {
        left -= length;
        if (left < 0) this.holder.onLost('a piece is too large');
      },
      onWhole: (isOver) => {
        this.#isPieceUnderWay = false;
        this.#confirm(exchange, isOver);
      },
      onCut: () => this.holder.onLost('a piece was cut'),
    });
    return true;
  }

  #takeStream(exchange: Exchange): boolean {
    if (this.#stream !== 'none') return false;
    this.#stream = 'silent';
    this.#follow(exchange);
    let isHeard = false;
    const reading = this.#read(exchange, {
      onData: () => {
        if (isHeard) return;
        isHeard = true;
        // Until the client hears of it nothing follows, so that all of a chunk was read.
        setImmediate(() => {
          reading.readPastNode();
          this.#say(Heard.stream);
        });
      },
      onBytes: () => {
        this.#stream = 'used';
      },
      onWhole: (isOver) => {
        this.#confirm(exchange, isOver);
        if (!isOver && this.#stream === 'used') this.holder.onLost('the way up has ended');
      },
      // The client may only have tried it.
      onCut: () => {
        if (this.#stream === 'used') this.holder.onLost('the way up was cut');
      },
    });
    return true;
  }

  /** It was taken; nothing more is to be said of it. */
  #confirm({ answer, begin }: Exchange, isOver: boolean): void {
    if (isOver) answer.once('close', () => this.#onConfirmed());
    if (!answer.destroyed) {
      begin(204, {});
      answer.end();
    } else if (isOver) this.#onConfirmed();
  }

  #onConfirmed(): void {
    this.#isConfirmed = true;
    this.#tellIfOver();
  }

  #tellIfOver(): void {
    if (this.#hasLeft && this.#isConfirmed) this.#onOver?.();
  }

  #say(what: number): void {
    if (this.#onOver === undefined) this.#down.say(record(RecordKind.heard, Buffer.of(what)));
  }

  /** Reads the records in a body, which has whole ones, and tells what has become of it. */
  #read(exchange: Exchange, events: BodyEvents): Reading {
    const { holder } = this;
    const { body } = exchange;
    let received = 0;
    let isWhole = false;
    const reader = new RecordReader({
      onBytes: (bytes) => {
        events.onBytes?.();
        holder.onBytes(bytes);
      },
      onHeard: () => {},
      onEnd: (code, reason) => holder.onEnd(code, reason),
    });
    const onData = (chunk: Buffer): void => {
      received += chunk.length;
      events.onData(chunk.length);
      try {
        reader.push(chunk);
      } catch (error) {
        holder.onLost((error as Error).message);
      }
    };
    const onWhole = (): void => {
      isWhole = true;
      if (reader.isWhole) events.onWhole(reader.isOver);
      else holder.onLost('a record was cut');
    };
    let source: Pausable = body;
    this.#bodies.add(source);
    body.on('data', onData);
    body.once('end', () => {
      if (exchange.isWhole(received)) onWhole();
    });
    body.on('error', () => {});
    body.once('close', () => {
      this.#bodies.delete(source);
      if (!isWhole) events.onCut();
    });
    return {
      readPastNode: () => {
        const rest = reader.isWhole ? RestOfBody.take(exchange.request, this.#memory, { onData, onWhole }) : undefined;
        if (rest === undefined) return;
        this.#bodies.delete(source);
        source = rest;
        this.#bodies.add(source);
      },
    };
  }

  #follow(exchange: Exchange): void {
    const { answer } = exchange;
    this.#exchanges.add(exchange);
    answer.on('error', () => {});
    answer.once('close', () => this.#exchanges.delete(exchange));
  }
}

type Pausable = Pick<MessageBody, 'pause' | 'resume'>;

interface Reading {
  /** Reads the rest past Node, where that can be. To be called when nothing was read in part. */
  readPastNode(): void;
}

interface BodyEvents {
  onData(length: number): void;
  onBytes?(): void;
  /** All of it was read; `isOver`: with the last record of all. */
  onWhole(isOver: boolean): void;
  onCut(): void;
}

function goOn(body: Pausable): void {
  body.resume();
}

export interface ServerHalvesOptions {
  readonly memory: SlabPool;
  readonly clock: Pick<Clock, 'now' | 'setTimer' | 'deferPastInput'>;
  /** Of each answer with records. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the first one, besides. */
  readonly opening: Readonly<Record<string, string>>;
}
