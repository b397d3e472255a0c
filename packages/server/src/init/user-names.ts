import { isUserId, USER_ID_EXPECTED } from '../users/user-id.js';

/**
 * Reads the users of a new server, as people answer: names with commas or blanks between them. Nothing, or `none`, is no user.
 * @throws TypeError with one line that says what is wrong
 */
export function parseUserNames(text: string): string[] {
  const names = text.split(/[\s,]+/).filter((name) => name !== '');
  if (names.length === 1 && isNone(names[0])) return [];
  if (names.some(isNone)) throw new TypeError('Expected names of users, or none alone.');
  if (!names.every(isUserId)) throw new TypeError(`Expected names of ${USER_ID_EXPECTED}.`);
  return [...new Set(names)];
}

/**
 * The same of a flag, which names one user.
 * @throws TypeError with one line that says what is wrong
 */
export function parseUserName(text: string): string {
  if (isNone(text)) throw new TypeError('none is not the name of a user; for one token for everybody leave --user out');
  if (!isUserId(text)) throw new TypeError(`Expected ${USER_ID_EXPECTED}.`);
  return text;
}

/** The word for it in the question, which people type as a flag too. */
function isNone(text = ''): boolean {
  return text.toLowerCase() === 'none';
}
