import { checkOwnFile, escapeText } from 'wsproxy-cli';

/**
 * Who can change the file of quotas, or exchange it, lifts everybody's.
 * @throws ExitError (usage) when other users can
 */
export function checkQuotaPlace(path: string): void {
  checkOwnFile(path, `quota file ${escapeText(path, 1024)}`);
}
