import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Runs the tests of faults before the others of their project. They take the longest, and their files are short: without times
 * of a former run, which a fresh clone has not, Vitest would run them last, and in the end one alone.
 */
export class FaultsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isOfFaults = ({ moduleId }: TestSpecification) => moduleId.includes('/test/faults/');
    return [...sorted.filter(isOfFaults), ...sorted.filter((file) => !isOfFaults(file))];
  }
}
