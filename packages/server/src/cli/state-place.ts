import { checkOwnFile, nameOfFile } from 'wsproxy-cli';

/**
 * Who can change the file of quotas, or exchange it, lifts everybody's; who can change the copy of the users lets in anybody.
 * @throws ExitError (usage) when other users can
 */
export function checkStatePlace(path: string, flag: string): void {
  checkOwnFile(path, nameOfFile(path, flag));
}
