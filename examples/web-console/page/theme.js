const ORDER = ['auto', 'light', 'dark'];
const KEY = 'theme';
const LIGHT = {
  background: '#ffffff',
  foreground: '#1f2328',
  cursor: '#1f2328',
  cursorAccent: '#ffffff',
  selectionBackground: '#0969da40',
  black: '#24292f',
  red: '#cf222e',
  green: '#116329',
  yellow: '#7d4e00',
  blue: '#0969da',
  magenta: '#8250df',
  cyan: '#1b7c83',
  white: '#6e7781',
  brightBlack: '#57606a',
  brightRed: '#a40e26',
  brightGreen: '#1a7f37',
  brightYellow: '#633c01',
  brightBlue: '#218bff',
  brightMagenta: '#a475f9',
  brightCyan: '#3192aa',
  brightWhite: '#24292f',
};
const DARK = {
  background: '#0d1117',
  foreground: '#e6edf3',
  cursor: '#e6edf3',
  cursorAccent: '#0d1117',
  selectionBackground: '#58a6ff55',
  black: '#484f58',
  red: '#ff7b72',
  green: '#3fb950',
  yellow: '#d29922',
  blue: '#58a6ff',
  magenta: '#bc8cff',
  cyan: '#39c5cf',
  white: '#b1bac4',
  brightBlack: '#6e7681',
  brightRed: '#ffa198',
  brightGreen: '#56d364',
  brightYellow: '#e3b341',
  brightBlue: '#79c0ff',
  brightMagenta: '#d2a8ff',
  brightCyan: '#56d4dd',
  brightWhite: '#ffffff',
};

/** Light or dark: as the system says, or as the user has chosen in this browser. */
export class Theme {
  #system = matchMedia('(prefers-color-scheme: dark)');
  #choice = ORDER.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : 'auto';
  #onChange = () => {};

  /** @param {HTMLButtonElement} button goes on to the next choice */
  constructor(button, onChange) {
    this.#onChange = onChange;
    this.#system.addEventListener('change', () => this.#show(button));
    button.addEventListener('click', () => {
      this.#choice = ORDER[(ORDER.indexOf(this.#choice) + 1) % ORDER.length];
      localStorage.setItem(KEY, this.#choice);
      this.#show(button);
    });
    this.#show(button);
  }

  /** Colours for the terminal. */
  get colours() {
    return this.#isDark ? DARK : LIGHT;
  }

  get #isDark() {
    return this.#choice === 'auto' ? this.#system.matches : this.#choice === 'dark';
  }

  #show(button) {
    document.documentElement.dataset.theme = this.#isDark ? 'dark' : 'light';
    button.textContent = `Theme: ${this.#choice}`;
    this.#onChange(this.colours);
  }
}
