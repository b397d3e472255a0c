import { escapeText, formatJson, padColumns, say } from 'wsproxy-cli';
import type { DiagnoseObserver, Mark, StepFinding, StepName } from '../index.js';
import { hideWispToken } from '../reach/hide-wisp-token.js';

/** Where the report goes: standard output for what was found, standard error for how far it is. */
export interface Screen {
  out(text: string): void;
  /** Undefined when nobody watches. */
  readonly progress?: ((text: string) => void) | undefined;
}

const MARKS: Readonly<Record<Mark, string>> = { ok: '✓', warn: '!', fail: '✗', skip: '–' };
const STEP_WIDTH = 11;
const BAR_WIDTH = 30;
/** ECMA-48: to the first column, and clear to the end of the line. */
const ERASE = '\r\u001b[K';
const MAX_TEXT = 500;

/** Prints findings as they come, and what follows from them; or all at once as JSON. */
export class DoctorReport implements DiagnoseObserver {
  readonly #screen: Screen;
  readonly #json: boolean;

  constructor(screen: Screen, json: boolean) {
    this.#screen = screen;
    this.#json = json;
  }

  onBegin(mostBytes: number): void {
    const size = Math.round(mostBytes / 1_048_576);
    const text = `Moves up to ${size} MiB through the tunnel to measure it; --throughput off, or --quick, leaves that out.`;
    if (!this.#json) this.#screen.out(`${say(text)}\n`);
  }

  onProgress(step: StepName, share: number): void {
    const full = Math.round(share * BAR_WIDTH);
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}`;
    this.#screen.progress?.(`${ERASE}  ${nameOf(step)} ${share === 0 ? '…' : `${bar} ${Math.round(share * 100)} %`}`);
  }

  onFinding({ step, mark, text }: StepFinding): void {
    this.#screen.progress?.(ERASE);
    if (!this.#json) this.#screen.out(`${MARKS[mark]} ${nameOf(step)} ${shown(text)}\n`);
  }

  end(url: string, findings: readonly StepFinding[], cause: StepFinding | undefined): void {
    if (this.#json) {
      const healthy = findings.every(({ mark }) => mark !== 'fail');
      this.#screen.out(`${formatJson({ url: hideWispToken(url), healthy, cause: cause?.step ?? null, findings })}\n`);
      return;
    }
    if (cause === undefined) return this.#screen.out(`\n${say('Nothing is wrong with the way to this server.')}\n`);
    const kind = cause.mark === 'fail' ? 'Likely cause:' : 'Worth a look:';
    this.#screen.out(`\n${say(kind)} ${shown(cause.text)}\n`);
    if (cause.cure !== undefined) this.#screen.out(`${say('Cure:')} ${shown(cause.cure)}\n`);
  }
}

function nameOf(step: StepName): string {
  return padColumns(say(step), STEP_WIDTH);
}

function shown(text: string): string {
  return escapeText(say(text), MAX_TEXT);
}
