import { say } from '../language/index.js';

/** Fields for people: values that are sentences are in their language, names of fields and all other values stay. */
export function sayFields(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, sayValue(name, value)]));
}

/** What holds a sentence: the message of an error as well. */
const SENTENCES: ReadonlySet<string> = new Set(['reason', 'mistake', 'mistakes', 'message']);

function sayValue(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => sayValue(name, item));
  if (typeof value === 'object' && value !== null) return sayFields(value as Record<string, unknown>);
  return typeof value === 'string' && SENTENCES.has(name) ? say(value) : value;
}
