import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Minutes of faults, in a few lines. */
const LONGEST = '/test/faults/chaos.test.ts';

/**
 * Begins with the file that takes the longest. Without times of a former run, which a fresh clone has not, Vitest goes by the size
 * of files: that one came last, and in the end ran alone.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLongest = ({ moduleId }: TestSpecification) => moduleId.endsWith(LONGEST);
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}
