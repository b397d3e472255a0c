/** Whether `id` can be that of a user: ids stand in logs, metrics and file names. */
export function isUserId(id: unknown): id is string {
  return typeof id === 'string' && /^[\w@+-][\w.@+-]{0,63}$/.test(id);
}

export const USER_ID_EXPECTED = '1 to 64 letters, digits or any of . _ @ + -';
