/** Where something hostile or faulty comes from, and the numbers of what has been thought of there. Numbers may be left out. */
export const HOSTILE: Readonly<Record<string, { readonly place: string; readonly rows: readonly number[] }>> = {
  A: {
    place: 'SOCKS5 on the local port',
    rows: [1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15, 16, 17, 18, 19, 21, 22, 24, 25, 27, 30],
  },
  B: { place: 'SOCKS4 and 4a', rows: [1, 3, 4, 5] },
  C: { place: 'HTTP on the local port', rows: [1, 3, 4, 5, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 23, 24, 25] },
  D: { place: 'a web page against the local port', rows: [1, 3, 4, 6, 7, 8] },
  E: { place: 'the WebSocket layer', rows: [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 15, 16, 18, 19, 20, 21, 23, 24, 25] },
  F: {
    place: 'frames',
    rows: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27],
  },
  G: { place: 'secrets', rows: [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 14] },
  H: { place: 'names and addresses', rows: [1, 2, 4, 5, 6, 7, 8, 10, 11, 12, 13, 15] },
  I: { place: 'destinations', rows: [1, 4, 5, 6, 8, 9, 10, 11, 12] },
  J: { place: 'the network between the two ends', rows: [1, 2, 3, 4, 6, 7, 8, 9, 10, 13, 14] },
  K: { place: 'processes and hosts', rows: [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21, 22] },
  M: { place: 'a user against the others', rows: [1, 2, 3, 4, 5] },
  L: { place: 'strangers at the door', rows: [1, 2, 3, 4, 5] },
  N: { place: 'datagrams', rows: [1, 2, 3, 4, 5, 6] },
  O: { place: 'a server that listens for a client', rows: [1, 2, 3, 4, 5, 6, 7, 8] },
  P: { place: 'strangers at a port for names', rows: [1, 2, 3, 4, 5, 6, 7] },
  Q: { place: 'a client that wants to listen', rows: [1, 2, 3, 4, 5] },
  R: { place: 'the doors of a cluster', rows: [1, 2, 3, 4, 5, 6, 7] },
  T: { place: 'a transport over HTTP', rows: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13] },
};

/** What has no test, and why. Everything else is named by the test or the scenario that is the proof. */
export const UNTESTED: Readonly<Record<string, string>> = {
  K11: 'no memory left: it is bounded by --max-memory (docs/limits.md); what the system takes beyond that ends the process, and is K1',
  K15: '::1 is not there: loopback is 127.0.0.1 by default; ::1 is listened on only by whoever names it',
};

/** Names of rows at the beginning of a title or of what stands in its place in a table: `F3 an unknown version`, `'H2'`. */
const NAMES = /['"`]([A-RT]\d{1,2}(?:,? [A-RT]\d{1,2})*)(?=[ '"`])/g;

/** The rows that a file of tests says it is a proof of. */
export function rowsIn(source: string): string[] {
  return [...source.matchAll(NAMES)].flatMap(([, names = '']) => names.split(/,? /));
}

/** What is wrong with the proofs of the rows, if these are all that there are. */
export function mistakesIn(proved: ReadonlySet<string>): string[] {
  const listed = Object.entries(HOSTILE).flatMap(([letter, { rows }]) => rows.map((row) => `${letter}${row}`));
  return [
    ...listed.filter((row) => !proved.has(row) && UNTESTED[row] === undefined).map((row) => `${row} has no test`),
    ...Object.keys(UNTESTED)
      .filter((row) => proved.has(row))
      .map((row) => `${row} has a test and a reason for none`),
    ...[...proved, ...Object.keys(UNTESTED)]
      .filter((row) => !listed.includes(row))
      .map((row) => `${row} is not listed`),
  ];
}
