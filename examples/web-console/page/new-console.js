import { ask } from './ask.js';
import { pageKey } from './page-key.js';
import { readPrivateKey } from './ssh/private-key.js';
import { describeKey } from './ssh/session.js';

/**
 * The dialog for a new console.
 *
 * @param {object} options
 * @param {boolean} options.hasContainers
 * @param {() => Promise<{ name: string, may: string[] }[]>} options.listContainers
 * @param {(wish: object) => void} options.onOpen
 */
export class NewConsole {
  #dialog = document.querySelector('#new-console');
  #form = this.#dialog.querySelector('form');
  #error = this.#dialog.querySelector('.error');
  /** The containers, once they are asked for. */
  #asked;
  #options;

  constructor(options) {
    this.#options = options;
    this.#form.addEventListener('change', () => void this.#show());
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#open();
    });
    this.#form.querySelector('[value=cancel]').addEventListener('click', () => this.#dialog.close());
    // Secrets do not stay in the page.
    this.#dialog.addEventListener('close', () => {
      this.#fields.password.value = '';
      this.#fields.file.value = '';
    });
  }

  async show() {
    document.querySelector('#kinds').hidden = !this.#options.hasContainers;
    this.#error.textContent = '';
    this.#asked = undefined;
    this.#fields.container.replaceChildren();
    this.#dialog.showModal();
    await this.#show();
  }

  get #fields() {
    return this.#form.elements;
  }

  async #show() {
    const { kind, by, line } = this.#fields;
    for (const part of this.#form.querySelectorAll('[data-kind]')) part.hidden = part.dataset.kind !== kind.value;
    for (const part of this.#form.querySelectorAll('[data-by]')) part.hidden = part.dataset.by !== by.value;
    for (const name of ['host', 'port', 'user']) this.#fields[name].required = kind.value === 'ssh';
    try {
      if (kind.value === 'container') await this.#showContainers();
      else if (by.value === 'page') line.value = `${(await describeKey(await pageKey())).line} console`;
    } catch ({ message }) {
      this.#error.textContent = message;
    }
  }

  async #showContainers() {
    const { container, action } = this.#fields;
    // Once for each time that the dialog is shown: a later answer would undo what is chosen.
    this.#asked ??= this.#askForContainers();
    const { may = [] } = (await this.#asked).find(({ name }) => name === container.value) ?? {};
    const former = action.value;
    action.replaceChildren(...may.map((name) => new Option(name)));
    if (may.includes(former)) action.value = former;
    this.#form.querySelector('[data-action=exec]').hidden = action.value !== 'exec';
  }

  async #askForContainers() {
    const containers = await this.#options.listContainers();
    this.#fields.container.replaceChildren(...containers.map(({ name }) => new Option(name)));
    if (containers.length === 0) this.#error.textContent = 'No container of yours runs.';
    return containers;
  }

  async #open() {
    this.#error.textContent = '';
    try {
      const wish = await this.#wish();
      this.#dialog.close();
      this.#options.onOpen(wish);
    } catch ({ message }) {
      this.#error.textContent = message;
    }
  }

  async #wish() {
    const { kind, by, host, port, user, password, file, container, action, command } = this.#fields;
    if (kind.value === 'container') {
      if (container.value === '' || action.value === '') throw new Error('Choose a container.');
      const asked = { do: action.value, container: container.value, command: command.value };
      return { kind: 'container', title: `${asked.do} ${asked.container}`, asked };
    }
    const wish = {
      kind: 'ssh',
      title: `${user.value}@${host.value}`,
      host: host.value.trim(),
      port: Number(port.value),
      user: user.value,
    };
    if (by.value === 'password') return { ...wish, password: password.value };
    if (by.value === 'page') return { ...wish, key: await pageKey() };
    const [chosen] = file.files;
    if (chosen === undefined) throw new Error('Choose the file with your private key.');
    return { ...wish, key: await readPrivateKey(await chosen.text(), () => askPassphrase(chosen.name)) };
  }
}

/** Nothing keeps the answer. */
function askPassphrase(name) {
  const text = [`${name} has a passphrase. It does not leave this page, and is asked for each time.`];
  return ask({ title: 'Passphrase', text, yes: 'Use the key', no: 'Cancel', passphrase: true });
}
