import { InvalidArgumentError } from 'commander';

/** Of the two sides of a forward, `8080` or `8000-8010` each: the pairs of ports that belong together.
 * @throws InvalidArgumentError when one side has more than the other
 */
export function pairPorts(near: string, far: string): readonly (readonly [near: string, far: string])[] {
  const [nears, fars] = [portsOf(near), portsOf(far)];
  if (nears.length !== fars.length) {
    throw new InvalidArgumentError(
      `Expected as many ports on both sides, got ${nears.length} (${near}) and ${fars.length} (${far}).`,
    );
  }
  return nears.map((port, i) => [port, fars[i] ?? '']);
}

/**
 * Each port of `8080` or `8000-8010`. What is no range is judged by others.
 * @throws InvalidArgumentError for a range that is none, or too long
 */
export function portsOf(text: string): readonly string[] {
  const dash = text.indexOf('-');
  if (dash < 0) return [text];
  const [first, last] = [Number(text.slice(0, dash)), Number(text.slice(dash + 1))];
  if (!(first >= 1 && first <= last && last <= 65_535)) {
    throw new InvalidArgumentError(`Expected a range of ports such as 8000-8010, from 1 to 65535, got ${text}.`);
  }
  const length = last - first + 1;
  if (length > MOST_PORTS) throw new InvalidArgumentError(`Expected at most ${MOST_PORTS} ports in a range.`);
  return Array.from({ length }, (_, i) => String(first + i));
}

/** `[bind:]` and `port`, which may be a range. */
export function splitPorts(text: string): readonly [start: string, ports: string] {
  const length = text.lastIndexOf(':') + 1;
  return [text.slice(0, length), text.slice(length)];
}

/** Of a range. Each is a socket of its own, and most systems give a program 1024 descriptors. */
const MOST_PORTS = 1_000;
