import { replaceControls, trimSpace } from './characters.js';
import type { Field } from './fields.js';

/** Field lines without their line ends, as tolerantly as those read who have been on the web for long. */
export function readFields(lines: readonly string[]): FieldsRead {
  const fields: Field[] = [];
  let isPlain = true;
  /** The last line belongs to no field, nor do those that are folded to it. */
  let isDropped = true;
  for (const line of lines) {
    const isFolded = line.startsWith(' ') || line.startsWith('\t');
    const last: Field | undefined = isFolded && !isDropped ? fields.pop() : undefined;
    const field: Field | undefined = isFolded ? last && unfold(last, line) : readField(line);
    isDropped = field === undefined;
    if (field !== undefined) fields.push(field);
    if (!PLAIN_LINE.test(line)) isPlain = false;
  }
  return { fields, isPlain };
}

export interface FieldsRead {
  readonly fields: readonly Field[];
  /** Nothing had to be mended or left out. */
  readonly isPlain: boolean;
}

/** Undefined without a name; odd names travel on, since who takes them directly takes them here. */
function readField(line: string): Field | undefined {
  const colon = line.indexOf(':');
  const name = trimSpace(line.slice(0, Math.max(colon, 0)));
  if (name === '' || name !== replaceControls(name)) return undefined;
  return { name, value: trimSpace(replaceControls(line.slice(colon + 1))) };
}

/** RFC 9112 section 5.2. */
function unfold({ name, value }: Field, line: string): Field {
  const more = trimSpace(replaceControls(line));
  return { name, value: value === '' || more === '' ? value + more : `${value} ${more}` };
}

/** RFC 9110 sections 5.1 and 5.5. */
const PLAIN_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/;
