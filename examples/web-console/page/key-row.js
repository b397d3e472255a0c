import { element } from './dom.js';

/** What the keyboard of a phone does not have. */
const KEYS = {
  Esc: '\x1b',
  Tab: '\t',
  '^C': '\x03',
  '^D': '\x04',
  '^Z': '\x1a',
  '←': '\x1b[D',
  '↑': '\x1b[A',
  '↓': '\x1b[B',
  '→': '\x1b[C',
};
const NAMES = {
  '^C': 'Control C',
  '^D': 'Control D',
  '^Z': 'Control Z',
  '←': 'Left',
  '↑': 'Up',
  '↓': 'Down',
  '→': 'Right',
};

/** A row of keys for phones. */
export function keyRow(type) {
  const row = element('div', { className: 'keys', role: 'toolbar', ariaLabel: 'Keys' });
  for (const [textContent, text] of Object.entries(KEYS)) {
    const button = element('button', { type: 'button', textContent, ariaLabel: NAMES[textContent] ?? textContent });
    // The terminal keeps the focus, and the phone its keyboard.
    button.addEventListener('pointerdown', (event) => event.preventDefault());
    button.addEventListener('click', () => type(text));
    row.append(button);
  }
  return row;
}
