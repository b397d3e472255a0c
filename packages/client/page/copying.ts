import { find } from './dom.js';

/** Lets each button copy the text of the element that it names. */
export function enableCopying(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-copy]')) {
    const source = find(button.dataset['copy'] ?? '');
    button.addEventListener('click', () => {
      void copy(source).then((outcome) => {
        find('copied').textContent = outcome;
      });
    });
  }
}

async function copy(source: HTMLElement): Promise<string> {
  try {
    await navigator.clipboard.writeText(source.textContent ?? '');
    return 'Copied.';
  } catch {
    // Browsers have a clipboard for pages of this machine and of https only, and may be told not to give it.
    getSelection()?.selectAllChildren(source);
    return 'Selected: press Ctrl-C or ⌘C to copy.';
  }
}
