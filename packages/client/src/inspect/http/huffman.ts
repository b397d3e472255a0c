/**
 * Reads a text in the Huffman code of HTTP/2 (RFC 7541 section 5.2).
 * @throws Error when it is none
 */
export function decodeHuffman(bytes: Uint8Array): string {
  let text = '';
  let node: Node = ROOT;
  /** Of what has come of a symbol, and whether all of it was 1. */
  let length = 0;
  let isPadding = true;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit -= 1) {
      const value = (byte >> bit) & 1;
      const next: Node | number | undefined = node[value];
      if (next === undefined || next === END) throw new Error('a text in the Huffman code has no such symbol');
      length += 1;
      isPadding = isPadding && value === 1;
      if (typeof next !== 'number') {
        node = next;
        continue;
      }
      text += String.fromCharCode(next);
      [node, length, isPadding] = [ROOT, 0, true];
    }
  }
  if (length > 7 || !isPadding) throw new Error('a text in the Huffman code ends within a symbol');
  return text;
}

/** What follows after 0 and after 1: more of the code, or a symbol. */
type Node = [Node | number | undefined, Node | number | undefined];

/** The symbol that no text has. */
const END = 256;
/**
 * How many bits the code of each byte has (RFC 7541 appendix B). Codes of one length follow each other in the order of their bytes,
 * and longer ones follow shorter ones: so they are known by it.
 */
const LENGTHS: readonly number[] = `
  13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
  6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10
  13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
  15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
  20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
  22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
  26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
  20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
  30`
  .trim()
  .split(/\s+/)
  .map(Number);
const ROOT: Node = growTree();

function growTree(): Node {
  const root: Node = [undefined, undefined];
  const symbols = LENGTHS.map((length, symbol) => ({ length, symbol }));
  symbols.sort((one, other) => one.length - other.length || one.symbol - other.symbol);
  let code = -1;
  let former = 0;
  for (const { length, symbol } of symbols) {
    code = (code + 1) * 2 ** (length - former);
    former = length;
    let node = root;
    for (let bit = length - 1; bit > 0; bit -= 1) node = enter(node, (code >> bit) & 1);
    node[code & 1] = symbol;
  }
  return root;
}

function enter(node: Node, bit: number): Node {
  const next = node[bit] ?? [undefined, undefined];
  node[bit] = next;
  return next as Node;
}
