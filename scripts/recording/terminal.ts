import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import xterm from '@xterm/headless';
import { Program } from 'wsproxy-test-support/programs/program';
import { until } from 'wsproxy-test-support/until';

const IN_TERMINAL = fileURLToPath(new URL('../../test/support/programs/in-terminal.py', import.meta.url));

/** Between two keys, ms. */
const KEYSTROKE = 45;

/** A part of a line in one colour: an ANSI colour from 0 to 15, or none. */
export interface Run {
  readonly text: string;
  readonly color: number | undefined;
  readonly isBold: boolean;
}

/** What the lines of a terminal show from some time on, ms. */
export interface Snapshot {
  readonly at: number;
  readonly lines: readonly (readonly Run[])[];
}

/** A shell in a real terminal: what it shows is kept, with the time. */
export class Terminal {
  readonly snapshots: Snapshot[] = [];
  readonly #program: Program;
  readonly #screen: xterm.Terminal;

  constructor(columns: number, rows: number, options: { readonly cwd: string; readonly env: Record<string, string> }) {
    this.#screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    const shell = ['sh', '-c', `stty cols ${columns} rows ${rows}; PS1='$ ' exec bash --noprofile --norc`];
    this.#program = new Program('python3', [IN_TERMINAL, ...shell], {
      input: 'open',
      cwd: options.cwd,
      env: { TERM: 'xterm-256color', COLUMNS: String(columns), ...options.env },
    });
    this.#program.child.stdout?.on('data', (text: string) => {
      const at = performance.now();
      this.#screen.write(text, () => this.snapshots.push({ at, lines: this.#lines() }));
    });
  }

  /** Types a command, key by key, and the return key behind it. */
  async type(line: string): Promise<void> {
    for (const key of line) {
      this.#program.child.stdin?.write(key);
      await pause(KEYSTROKE);
    }
    this.#program.child.stdin?.write('\r');
  }

  /** Waits until the terminal shows it. */
  async shows(pattern: RegExp, timeout = 30_000): Promise<void> {
    try {
      await until(`the terminal shows ${pattern}`, () => pattern.test(this.text), timeout);
    } catch (error) {
      throw new Error(this.text, { cause: error });
    }
  }

  get text(): string {
    return this.#lines()
      .map((runs) => runs.map(({ text }) => text).join(''))
      .join('\n');
  }

  #lines(): Run[][] {
    const { active } = this.#screen.buffer;
    return Array.from({ length: this.#screen.rows }, (_, row) => runsOf(active.getLine(active.viewportY + row)));
  }
}

function runsOf(line: xterm.IBufferLine | undefined): Run[] {
  const runs: { text: string; color: number | undefined; isBold: boolean }[] = [];
  for (let column = 0; column < (line?.length ?? 0); column++) {
    const cell = line?.getCell(column);
    if (cell === undefined || cell.getWidth() === 0) continue;
    const text = cell.getChars() || ' ';
    const color = cell.isFgPalette() ? cell.getFgColor() : undefined;
    const isBold = cell.isBold() !== 0;
    const last = runs.at(-1);
    if (last !== undefined && last.color === color && last.isBold === isBold) last.text += text;
    else runs.push({ text, color, isBold });
  }
  const last = runs.at(-1);
  if (last !== undefined) last.text = last.text.trimEnd();
  return runs.filter(({ text }) => text !== '');
}
