import { ExitCode, ExitError } from '../exit-code.js';
import type { Asker } from './ask.js';
import { isInTheWay, type PlannedFile } from './write-files.js';

/**
 * Asks whether to write the files. Resolves with whether those in the way are to be replaced.
 * @throws ExitError (failed) when the user does not want that
 */
export async function agreeOnFiles(asker: Asker, files: readonly PlannedFile[], isForced: boolean): Promise<boolean> {
  const isReplacing = !isForced && files.some(isInTheWay);
  const isAgreed = await asker.ask({
    text: isReplacing ? 'Replace what is there, and keep it as FILE.old' : 'Write them',
    fallback: isReplacing ? 'no' : 'yes',
    parse: parseYesOrNo,
  });
  if (!isAgreed) throw new ExitError(ExitCode.failed, 'stopped: nothing was written');
  return isForced || isReplacing;
}

function parseYesOrNo(text: string): boolean {
  const [found] = ['yes', 'no'].filter((word) => word.startsWith(text.toLowerCase()));
  if (found === undefined) throw new TypeError('Expected yes or no.');
  return found === 'yes';
}
