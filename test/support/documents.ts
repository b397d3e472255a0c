import { readFileSync } from 'node:fs';

/** What stands in the code blocks of a page of docs/, those of one `language` if it is given. */
export function codeBlocks(page: string, language?: string): string[] {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  return blocks.flatMap(([, of, block = '']) => (language === undefined || of === language ? [block] : []));
}
