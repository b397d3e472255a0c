import { parseName } from 'wsproxy-engine';

/** The name in a Host field (RFC 9110 section 7.2), without its port; undefined for what is none, an address among it. */
export function nameInHost(host: string): string | undefined {
  return parseName(/^([^:]*)(?::\d{0,5})?$/.exec(host)?.[1] ?? '');
}

/** Everything by which a canonical name may be held, the closest first: itself, `*.` and each name that it is below, and `*`. */
export function patternsOf(name: string): string[] {
  const patterns = [name];
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) patterns.push(`*${name.slice(dot)}`);
  return [...patterns, '*'];
}
