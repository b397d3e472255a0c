import { describe, expect, test } from 'vitest';
import { effort } from 'wsproxy-test-support/engine/effort';
import { corpusOf, fuzz, targets } from './fuzz.js';

const RUNS = effort('FUZZ_RUNS', 2_000);

describe.each(targets)('$name', (target) => {
  test('keeps its promises for every input of the corpus', () => {
    const corpus = corpusOf(target);
    expect(corpus.size).toBeGreaterThan(0);
    for (const [name, input] of corpus) {
      try {
        target.run(input);
      } catch (error) {
        throw new Error(`corpus/${target.name}/${name}: ${String(error)}`, { cause: error });
      }
    }
  });

  test(`keeps them for ${RUNS} inputs that chance has made of it`, () => {
    const { found, seed } = fuzz(target, { runs: RUNS });
    const input = found && JSON.stringify(found.input.toString('latin1'));
    expect(found?.error, `seed ${seed}: ${input}`).toBeUndefined();
  });
});
