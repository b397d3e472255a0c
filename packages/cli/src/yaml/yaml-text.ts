import { isScalar, LineCounter, parseDocument } from 'yaml';

/** What is wrong in a file. */
export interface LineMistake {
  /** Counted from 1. */
  readonly line: number;
  /** In one line: what is wrong with what, and what is allowed. */
  readonly message: string;
}

export interface YamlOptions {
  /** Whether a message may quote the text: the parser quotes what it does not understand, and that may be a secret. */
  readonly quotes: boolean;
}

/** A text in YAML whose mistakes are told with their lines. Never throws. */
export class YamlText {
  /** A node of `yaml`; null or undefined when there is none. */
  readonly contents: unknown;
  readonly #lines = new LineCounter();
  readonly #mistakes: LineMistake[] = [];

  constructor(text: string, { quotes }: YamlOptions) {
    this.contents = this.#parse(text, quotes);
  }

  /** All that were told so far. */
  get mistakes(): readonly LineMistake[] {
    return this.#mistakes;
  }

  /** Tells a mistake at `node`. */
  blame(node: unknown, message: string): void {
    this.#mistakes.push({ line: this.lineOf(node), message });
  }

  lineOf(node: unknown): number {
    return this.#lineAt(hasPlace(node) ? node.range?.[0] : undefined);
  }

  #parse(text: string, quotes: boolean): unknown {
    try {
      const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
      for (const { pos, code, message } of [...document.errors, ...document.warnings]) {
        if (code === 'MULTIPLE_DOCS') {
          this.#mistakes.push({
            line: this.#lineAt(pos[0]),
            message: 'a second document begins here (---); expected one',
          });
          continue;
        }
        const told = quotes
          ? message.split(/[\r\n]/, 1).join()
          : `not YAML: ${code.toLowerCase().replaceAll('_', ' ')}`;
        this.#mistakes.push({ line: this.#lineAt(pos[0]), message: told });
      }
      return document.contents;
    } catch {
      this.#mistakes.push({ line: 1, message: 'not YAML: nested too deeply' });
      return undefined;
    }
  }

  #lineAt(offset = 0): number {
    return Math.max(this.#lines.linePos(offset).line, 1);
  }
}

/**
 * The text of a scalar as it stands there, since YAML would read 1:30, 1080:80 or 0123 as numbers of its own. Undefined for
 * no matter what else it is, and for true, false and nothing.
 */
export function sourceOf(node: unknown): string | undefined {
  if (!isScalar(node) || node.value === null || typeof node.value === 'boolean') return undefined;
  return node.source ?? String(node.value);
}

/** Undefined when it is neither true nor false. */
export function booleanOf(node: unknown): boolean | undefined {
  return isScalar(node) && typeof node.value === 'boolean' ? node.value : undefined;
}

/** Whether `node` stands somewhere in the text. */
export function hasPlace(node: unknown): node is { readonly range?: readonly number[] | null } {
  return typeof node === 'object' && node !== null && Array.isArray((node as { range?: unknown }).range);
}
