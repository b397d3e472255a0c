export const PAGES: readonly string[];
export function problemsOf(markdown: string): string[];
export function codeProblemsOf(source: string): string[];
export function measure(markdown: string): {
  sentences: number;
  wordsPerSentence: number;
  long: number;
  passive: number;
  hard: number;
  ease: number;
};
