import { parsePort } from 'wsproxy-engine';

export type PortRange = readonly [first: number, last: number];

/** `443`, `8000-8099`, or several with commas between them; undefined for anything else. */
export function parsePortRanges(text: string): readonly PortRange[] | undefined {
  const ranges = text.split(',').map(parsePortRange);
  return ranges.every((range) => range !== undefined) ? ranges : undefined;
}

export function hasPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(([first, last]) => first <= port && port <= last);
}

function parsePortRange(text: string): PortRange | undefined {
  const [firstText = '', lastText = firstText, ...more] = text.split('-');
  const [first, last] = [parsePort(firstText), parsePort(lastText)];
  return first === undefined || last === undefined || first > last || more.length > 0 ? undefined : [first, last];
}
