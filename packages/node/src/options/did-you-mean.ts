import leven from 'leven';

/** `; did you mean X?` where one of the known names is close to `name` or begins with it; nothing where none is. */
export function didYouMean(name: string, known: readonly string[]): string {
  const wanted = plain(name);
  const near = known
    .map((each) => ({ each, distance: distanceOf(wanted, plain(each)) }))
    .filter(({ distance }) => distance <= MOST)
    .sort((a, b) => a.distance - b.distance);
  const [best] = near;
  return best === undefined ? '' : `; did you mean ${best.each}?`;
}

/** Letters that may be wrong, missing or too many. */
const MOST = 3;
/** What is only the beginning of a name comes after one in which two letters are in the wrong order. */
const BEGINNING = 2.5;
/** Of the longer name, this part must be right: in a short one three letters are everything. */
const RIGHT = 0.4;

function distanceOf(wanted: string, known: string): number {
  if (wanted.length > 1 && known.startsWith(wanted)) return BEGINNING;
  const length = Math.max(wanted.length, known.length);
  const distance = leven(wanted, known);
  return length - distance > length * RIGHT ? distance : Number.POSITIVE_INFINITY;
}

/** `allowPrivate`, `allow-private` and `ALLOW_PRIVATE` are one. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_ ]/g, '');
}
