import type { Reporter, TestModule, Vitest } from 'vitest/node';

/** Fails a run that was asked for tests by their title (`-t`) when none has such a title: Vitest would be content. */
export class NoneMatched implements Reporter {
  #pattern: RegExp | undefined;

  onInit({ config }: Vitest): void {
    this.#pattern = config.testNamePattern;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (this.#pattern === undefined || modules.some(hasMatch)) return;
    process.stderr.write(`No test has a title that matches ${this.#pattern}\n`);
    process.exitCode = 1;
  }
}

/** A test that skips itself says why; one that was not asked for has nothing to say. */
function hasMatch({ children }: TestModule): boolean {
  for (const test of children.allTests()) {
    const result = test.result();
    if (result.state !== 'skipped' || result.note !== undefined) return true;
  }
  return false;
}
