import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ListenPlace, listenPlaceOf } from '../../../src/listeners/rules/listen-place.js';
import { mayListen, parseListenRule, portsToChoose } from '../../../src/listeners/rules/listen-rule.js';

// The same rules once more, in the plainest way there is: a place is a list of everything that one reaches by it, a rule is a
// list as well, and one holds the other or it does not. The lists are of a small world, in which each address has 16 bytes.

const IPV4 = ['127.0.0.1', '127.0.0.2', '192.0.2.1', '10.0.0.1'];
const IPV6 = ['::1', '2001:db8::1', 'fd00::1', '::7f00:1'];
const WORLD = [...IPV4, ...IPV6].map((address) => bytesOf(address).join('.'));
const ALL_IPV4 = IPV4.map((address) => bytesOf(address).join('.'));

/** By hand, so that nothing is believed of what is tested. */
function bytesOf(text: string): number[] {
  if (!text.includes(':')) return [...Array<number>(10).fill(0), 255, 255, ...text.split('.').map(Number)];
  const dotted = /\d+\.\d+\.\d+\.\d+$/.exec(text)?.[0];
  const plain = dotted === undefined ? text : text.replace(dotted, hexadecimal(dotted.split('.').map(Number)));
  const [head = '', tail] = plain.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const missing = 8 - (head?.length ?? 0) - (tail?.length ?? 0);
  const groups = [...head, ...Array<string>(tail === undefined ? 0 : missing).fill('0'), ...(tail ?? [])];
  return groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
}

function hexadecimal(bytes: readonly number[]): string {
  const groups = [];
  for (let i = 0; i < bytes.length; i += 2) groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  return groups.join(':');
}

function isAllOf(bytes: readonly number[], prefix: readonly number[]): boolean {
  return prefix.every((byte, index) => bytes[index] === byte) && bytes.slice(prefix.length).every((byte) => byte === 0);
}

/** Everything in the world that `host` stands for. */
function reached(host: string): readonly string[] {
  if (host === '*') return WORLD;
  const bytes = bytesOf(host === '' || host === 'localhost' ? '127.0.0.1' : host);
  if (isAllOf(bytes, [])) return WORLD.filter((address) => !ALL_IPV4.includes(address));
  if (isAllOf(bytes, [...Array<number>(10).fill(0), 255, 255])) return ALL_IPV4;
  return [bytes.join('.')];
}

function holds(rule: readonly string[], place: readonly string[]): boolean {
  return place.every((one) => rule.includes(one));
}

const anAddress = fc.constantFrom(...IPV4, ...IPV6, '0.0.0.0', '::');
/** In one of the ways that the system reads an address. */
const aSpelling = fc.tuple(anAddress, fc.nat(4)).map(([address, way]) => {
  const bytes = bytesOf(address);
  const full = hexadecimal(bytes);
  if (way === 1) return full;
  if (way === 2) return full.toUpperCase();
  if (way === 3) return full.replace(/(?:^|:)0:0:0:0:0(?:$|:)/, '::');
  if (way === 4 && !address.includes(':')) return `::FFFF:${address}`;
  return address;
});
const aPort = fc.constantFrom(22, 443, 1023, 1024, 8000, 8001, 8002, 65_535);
const aRange = fc.oneof(
  aPort.map((port) => [port, port] as const),
  fc.tuple(aPort, aPort).map(([one, other]) => [Math.min(one, other), Math.max(one, other)] as const),
);

interface Written {
  readonly text: string;
  readonly hosts: readonly string[];
  readonly ranges: readonly (readonly [number, number])[];
  readonly protocols: readonly string[];
}

const aRule: fc.Arbitrary<Written> = fc
  .record({
    host: fc.oneof(aSpelling, fc.constant('*')),
    ranges: fc.array(aRange, { minLength: 1, maxLength: 3 }),
    protocol: fc.constantFrom('', '/tcp', '/udp'),
  })
  .map(({ host, ranges, protocol }) => ({
    text: `${host.includes(':') ? `[${host}]` : host}:${ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(',')}${protocol}`,
    hosts: reached(host),
    ranges,
    protocols: protocol === '' ? ['tcp', 'udp'] : [protocol.slice(1)],
  }));

const opensLowPorts = ({ ranges }: Written) => ranges.some(([first, last]) => first < 1_024 && first < last);

describe('rules about ports, judged twice', () => {
  const aPlace = fc.record({
    kind: fc.constantFrom('tcp' as const, 'udp' as const),
    bind: fc.oneof(aSpelling, fc.constantFrom('*', '', 'localhost')),
    port: aPort,
  });

  test('let in the same', () => {
    let allowed = 0;
    fc.assert(
      fc.property(fc.array(aRule, { maxLength: 4 }), aPlace, (written, { kind, bind, port }) => {
        for (const rule of written.filter(opensLowPorts))
          expect(() => parseListenRule(rule.text)).toThrow('below 1024');
        const right = written.filter((rule) => !opensLowPorts(rule));
        const rules = right.map(({ text }) => parseListenRule(text));
        const place = listenPlaceOf(kind, bind, port) as ListenPlace;
        const candidates = right.filter(
          ({ hosts, protocols }) => protocols.includes(kind) && holds(hosts, reached(bind)),
        );
        const expected = candidates.some(({ ranges }) => ranges.some(([first, last]) => first <= port && port <= last));
        expect(mayListen(rules, place)).toBe(expected);
        expect(mayListen(rules, { ...place, port: 0 })).toBe(false);
        expect(portsToChoose(rules, { ...place, port: 0 })).toEqual(candidates.flatMap(({ ranges }) => ranges));
        if (expected) allowed += 1;
      }),
      { numRuns: 3_000 },
    );
    // Of a walk that is refused everywhere nothing would be learnt.
    expect(allowed).toBeGreaterThan(200);
  });
});

describe('rules about paths and names, judged twice', () => {
  /** `*` is any number of characters. */
  function matches(pattern: string, text: string): boolean {
    if (pattern === '') return text === '';
    if (pattern.startsWith('*')) return [...text, ''].some((_, index) => matches(pattern.slice(1), text.slice(index)));
    return text !== '' && pattern[0] === text[0] && matches(pattern.slice(1), text.slice(1));
  }

  const aFile = fc.string({ unit: fc.constantFrom('a', 'b', '.', '+', '(', '$', '-'), minLength: 1, maxLength: 6 });
  const aFolder = fc.array(aFile, { maxLength: 2 }).map((parts) => `/${parts.map((part) => `${part}/`).join('')}`);
  const aPattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '+', '*'), minLength: 1, maxLength: 5 });
  const hasDots = (path: string) => path.split('/').some((part) => part === '.' || part === '..');

  test('a star is of the name of a file alone', () => {
    fc.assert(
      fc.property(aFolder, aPattern, aFolder, aFile, fc.boolean(), (folder, pattern, other, file, isThere) => {
        fc.pre(!hasDots(folder + pattern));
        const rules = [parseListenRule(`unix:${folder}${pattern}`)];
        const path = `${isThere ? folder : other}${file}`;
        const place = listenPlaceOf('unix', path, 0);
        if (hasDots(path)) expect(place).toBeUndefined();
        else expect(mayListen(rules, place as ListenPlace)).toBe(path === `${folder}${file}` && matches(pattern, file));
      }),
      { numRuns: 2_000 },
    );
  });

  test('a star is of whole labels in front', () => {
    const labels = fc.array(fc.constantFrom('a', 'b', 'org'), { minLength: 1, maxLength: 4 });
    const names = fc.tuple(fc.boolean(), labels).map(([isBelow, parts]) => [...(isBelow ? ['*'] : []), ...parts]);
    fc.assert(
      fc.property(names, names, fc.boolean(), (rule, place, isUpper) => {
        const ends = (of: readonly string[]) => of.join('.') === rule.slice(1).join('.');
        const isBelow = place.some((_, index) => index > 0 && ends(place.slice(index)));
        const expected = rule[0] === '*' ? isBelow : rule.join('.') === place.join('.');
        const bind = isUpper ? place.join('.').toUpperCase() : place.join('.');
        const rules = [parseListenRule(`http:${rule.join('.')}`)];
        expect(mayListen(rules, listenPlaceOf('http', bind, 0) as ListenPlace)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});
