import { element } from './dom.js';

/** The row of tabs, a console behind each (https://www.w3.org/WAI/ARIA/apg/patterns/tabs/). */
export class Tabs {
  #list;
  #panels;
  #empty;
  /** By tab, in order. */
  #consoles = new Map();
  #count = 0;

  constructor(list, panels, empty) {
    this.#list = list;
    this.#panels = panels;
    this.#empty = empty;
    list.addEventListener('keydown', (event) => this.#move(event));
  }

  get consoles() {
    return [...this.#consoles.values()];
  }

  add(console) {
    this.#count += 1;
    const tab = element('button', {
      type: 'button',
      role: 'tab',
      id: `tab-${this.#count}`,
      textContent: console.title,
    });
    console.panel.id = `panel-${this.#count}`;
    tab.setAttribute('aria-controls', console.panel.id);
    console.panel.setAttribute('aria-labelledby', tab.id);
    tab.addEventListener('click', () => {
      this.#select(tab);
      console.focus();
    });
    this.#consoles.set(tab, console);
    this.#list.append(tab);
    this.#panels.append(console.panel);
    this.#select(tab);
  }

  remove(console) {
    const [tab] = [...this.#consoles].find(([, one]) => one === console);
    const next = tab.nextElementSibling ?? tab.previousElementSibling;
    this.#consoles.delete(tab);
    tab.remove();
    console.close();
    if (next) this.#select(next);
    next?.focus();
    this.#empty.hidden = this.#consoles.size > 0;
  }

  focusTabOf(console) {
    [...this.#consoles].find(([, one]) => one === console)?.[0].focus();
  }

  #select(chosen) {
    this.#empty.hidden = true;
    for (const [tab, { panel }] of this.#consoles) {
      const isChosen = tab === chosen;
      tab.ariaSelected = String(isChosen);
      tab.tabIndex = isChosen ? 0 : -1;
      panel.hidden = !isChosen;
    }
  }

  #move({ key }) {
    const tabs = [...this.#consoles.keys()];
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[key];
    if (at < 0 || to === undefined) return;
    const tab = tabs.at(to % tabs.length);
    this.#select(tab);
    tab.focus();
  }
}
