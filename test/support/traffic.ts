import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Dice } from './dice.js';
import { Keystream, KeystreamChecker, keystreamBytes } from './keystream.js';
import { type Ending, readBytes, readToEnd, type Way } from './sockets/application.js';
import { type Listener, type ListenOptions, listen } from './sockets/listen.js';

/**
 * `both`: at the same time; `after`: down only when up has ended; `last words`: the same, and then the destination resets;
 * `echo`: back and forth in small pieces.
 */
export type Kind = 'both' | 'after' | 'last words' | 'echo';

/** What is to pass through one channel. The bytes in each direction are a keystream of their own, but for an echo's. */
export interface Exchange {
  readonly kind: Kind;
  readonly seed: string;
  /** Bytes in each direction; of a conversation, those of one piece. */
  readonly up: number;
  readonly down: number;
  /** Between two pieces, ms. */
  readonly pause: number;
}

/** Anyone who looks at what arrives of one direction of an exchange. */
export interface Receiver {
  readonly length: number;
  /** May throw at what is wrong. */
  push(chunk: Buffer): void;
}

/** Makes the receivers; what they saw is told to it when the direction is over. */
export interface Witness {
  receive(seed: string, length: number): Receiver;
  ended(seed: string, ending: Ending): void;
}

/** Throws at the first wrong byte. */
const strict: Witness = { receive: (seed) => new KeystreamChecker(seed), ended: () => {} };

const PIECE = 8_192;
/** Of those that have much to say: small ones would cost more than they carry. */
const LARGE_PIECE = 65_536;
const LARGE = 8 * 1024 * 1024;
const LONGEST_LINE = 200;

export interface PartnerOptions extends ListenOptions {
  /** Told where each exchange comes from. */
  readonly onExchange?: (agreed: Exchange, from: string | undefined) => void;
}

/** Does the other half of every exchange. What goes wrong there resets the connection. */
export function startPartner(witness: Witness = strict, options: PartnerOptions = {}): Promise<Listener> {
  const { onExchange = () => {} } = options;
  return listen((socket) => {
    void answer(socket, witness, onExchange).catch(() => socket.resetAndDestroy());
  }, options);
}

async function answer(
  socket: Socket,
  witness: Witness,
  onExchange: NonNullable<PartnerOptions['onExchange']>,
): Promise<void> {
  const from = socket.remoteAddress;
  const line = (await readBytes(socket, LONGEST_LINE)).toString().trim();
  const agreed: Exchange = JSON.parse(line);
  onExchange(agreed, from);
  const { kind, seed, up, down, pause: ms } = agreed;
  if (kind === 'echo') {
    socket.pipe(socket);
    return;
  }
  const received = receive(socket, `${seed} up`, up, witness);
  if (kind === 'after' || kind === 'last words') await received;
  if (kind === 'last words') {
    socket.write(keystreamBytes(`${seed} down`, down), () => socket.resetAndDestroy());
    return;
  }
  await Promise.all([received, send(socket, `${seed} down`, down, ms)]);
}

/** Passes through a channel what was agreed on; rejects when anything is lost, repeated, changed or cut off. */
export async function exchange(
  way: Way,
  proxy: number,
  partner: number,
  agreed: Exchange,
  witness: Witness = strict,
  host: string = '127.0.0.1',
): Promise<void> {
  const socket = await way(proxy, host, partner);
  socket.write(JSON.stringify(agreed).padEnd(LONGEST_LINE));
  const [said, heard] = [`${agreed.seed} up`, `${agreed.seed} down`];
  const end = agreed.kind === 'last words' ? 'reset' : 'end';
  const received = receive(socket, agreed.kind === 'echo' ? said : heard, agreed.down, witness, end);
  await Promise.all([received, send(socket, said, agreed.up, agreed.pause)]);
}

/** Asks and waits for the answer, again and again, until `isOver`; gives the times that the answers took, ms. */
export async function converse(
  way: Way,
  proxy: number,
  partner: number,
  agreed: Exchange,
  isOver: () => boolean,
): Promise<number[]> {
  const socket = await way(proxy, '127.0.0.1', partner);
  socket.write(JSON.stringify(agreed).padEnd(LONGEST_LINE));
  const times: number[] = [];
  while (!isOver()) {
    const question = keystreamBytes(`${agreed.seed} ${times.length}`, agreed.up);
    const asked = performance.now();
    socket.write(question);
    if (!(await readBytes(socket, agreed.up)).equals(question)) throw new Error(`wrong echo in ${agreed.seed}`);
    times.push(performance.now() - asked);
    await pause(agreed.pause);
  }
  socket.end();
  const ending = await readToEnd(socket);
  if (ending.by !== 'end' || ending.bytes !== 0) throw new Error(`echo ${agreed.seed}: ${JSON.stringify(ending)}`);
  return times;
}

/** An exchange as chance has it. */
export function chooseExchange(dice: Dice, kind: Kind, seed: string): Exchange {
  if (kind === 'echo') return { kind, seed, up: dice.between(1, 200), down: 0, pause: dice.between(10, 100) };
  const length = (): number => dice.between(0, 2 ** dice.between(0, 20));
  return { kind, seed, up: length(), down: length(), pause: dice.between(0, 40) };
}

async function send(socket: Socket, seed: string, length: number, ms: number): Promise<void> {
  const keystream = new Keystream(seed);
  const closed = new Promise((resolve) => {
    socket.once('close', resolve);
  });
  const piece = length < LARGE ? PIECE : LARGE_PIECE;
  for (let left = length; left > 0 && !socket.destroyed; left -= piece) {
    const isTaken = socket.write(keystream.next(Math.min(piece, left)));
    if (!isTaken) await Promise.race([once(socket, 'drain'), closed]);
    if (ms > 0) await pause(ms);
  }
  socket.end();
}

async function receive(
  socket: Socket,
  seed: string,
  length: number,
  witness: Witness,
  end: Ending['by'] = 'end',
): Promise<void> {
  const receiver = witness.receive(seed, length);
  const ending = await readToEnd(socket, (chunk) => receiver.push(chunk));
  witness.ended(seed, ending);
  if (ending.by !== end || ending.bytes !== length) {
    throw new Error(`${seed}: ${ending.bytes} of ${length} bytes, then ${ending.by}`);
  }
}
