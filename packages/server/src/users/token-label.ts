/** Whether `label` can name a token in logs: one line, in which nothing is hidden. */
export function isTokenLabel(label: unknown): label is string {
  return typeof label === 'string' && /^[^\p{C}\p{Z}](?:[^\p{C}\p{Zl}\p{Zp}]{0,62}[^\p{C}\p{Z}])?$/u.test(label);
}

export const TOKEN_LABEL_EXPECTED = '1 to 64 visible characters, with spaces only between them';
