import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { Asciicast } from '../shared/asciicast.js';
import { ask } from './ask.js';
import { element, save } from './dom.js';
import { InOrder } from './in-order.js';
import { keyRow } from './key-row.js';

const ENCODER = new TextEncoder();

/**
 * A terminal in a panel, with its buttons.
 *
 * @param {string} title
 * @param {object} colours of the theme
 * @param {() => void} onLeave the user leaves the terminal by its key, Shift+Escape
 */
export class Console {
  panel = element('section', { role: 'tabpanel', className: 'panel' });
  title;
  #terminal;
  #fit = new FitAddon();
  #shell;
  #input = new InOrder();
  /** The terminal makes its data of a paste, which has had its turn. */
  #isPasting = false;
  /** What is typed before there is a shell. */
  #typedAhead = [];
  #screen = element('div', { className: 'screen' });
  #mark = element('span', { className: 'mark', role: 'status' });
  /** Nobody is recorded without seeing it. */
  #recorded = element('span', { className: 'recorded', role: 'status' });
  #end = element('p', { className: 'end', role: 'alert' });
  #record = element('button', { type: 'button', textContent: 'Record', ariaPressed: 'false' });
  #files = [this.#button('Upload', () => this.#upload()), this.#button('Download', () => this.#download())];
  /** Of the recording that runs: its lines. */
  #recording;
  #isRecordedByServer = false;
  #givenUp = new AbortController();

  constructor(title, colours, { onLeave, onClose }) {
    this.title = title;
    this.#terminal = new Terminal({
      theme: colours,
      fontFamily: 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace',
      fontSize: 14,
      scrollback: 5_000,
      screenReaderMode: true,
      minimumContrastRatio: 4.5,
      allowProposedApi: false,
    });
    this.#terminal.loadAddon(this.#fit);
    this.#record.addEventListener('click', () => this.#toggleRecording());
    for (const button of this.#files) button.hidden = true;
    const bar = element('div', { className: 'bar', role: 'toolbar', ariaLabel: `Console ${title}` });
    bar.append(
      this.#recorded,
      this.#mark,
      this.#button('Copy', () => this.#copy()),
      this.#button('Paste', () => this.#paste()),
      ...this.#files,
      this.#record,
      this.#button('Close', onClose),
    );
    this.panel.append(
      bar,
      this.#end,
      this.#screen,
      keyRow((text) => this.#type(ENCODER.encode(text))),
    );
    this.#terminal.attachCustomKeyEventHandler((event) => this.#isForTerminal(event, onLeave));
    this.#terminal.onData((text) => this.#type(ENCODER.encode(text)));
    this.#terminal.onBinary((text) => this.#type(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
    this.#terminal.onResize(({ cols, rows }) => {
      this.#shell?.resize({ columns: cols, rows });
      this.#keep((cast) => cast.resize({ columns: cols, rows }, Date.now()));
    });
    new ResizeObserver(() => this.#fitPanel()).observe(this.#screen);
  }

  /** Once the panel is in the page. */
  show() {
    this.#terminal.open(this.#screen);
    this.#terminal.textarea.ariaLabel = `Terminal ${this.title}. Shift and Escape leave it.`;
    this.#fitPanel();
  }

  focus() {
    this.#terminal.focus();
  }

  set colours(colours) {
    this.#terminal.options.theme = colours;
  }

  get size() {
    return { columns: this.#terminal.cols, rows: this.#terminal.rows };
  }

  /** Output for the screen; `taken` is called when it is there. */
  output(bytes, taken) {
    this.#keep((cast) => cast.output(bytes, Date.now()));
    this.#terminal.write(bytes, taken);
  }

  /** The user has closed the console before it had a shell. */
  get givenUp() {
    return this.#givenUp.signal;
  }

  /** Goes on with this shell until its end. */
  async run(shell) {
    this.#shell = shell;
    // The panel may have another size by now.
    shell.resize(this.size);
    for (const bytes of this.#typedAhead.splice(0)) shell.write(bytes);
    for (const button of this.#files) button.hidden = shell.files === undefined;
    // Without a terminal at the other end its lines end in line feeds alone.
    this.#terminal.options.convertEol = shell.isTerminal === false;
    this.#isRecordedByServer = shell.isRecorded === true;
    this.#showRecorded();
    this.finish(await shell.ended);
  }

  get isOver() {
    return this.#end.textContent !== '';
  }

  /** Says how it has ended; what is on the screen stays. */
  finish(reason) {
    this.#shell = undefined;
    for (const button of this.#files) button.hidden = true;
    this.#terminal.options.disableStdin = true;
    this.#end.textContent = reason;
  }

  say(text) {
    this.#mark.textContent = text;
  }

  close() {
    if (this.#shell === undefined) this.#givenUp.abort();
    else this.#shell.close();
    this.#terminal.dispose();
    this.panel.remove();
  }

  #button(textContent, act) {
    const button = element('button', { type: 'button', textContent });
    button.addEventListener('click', () => Promise.resolve(act()).catch(({ message }) => this.say(message)));
    return button;
  }

  #type(bytes) {
    if (this.#isPasting) this.#send(bytes);
    else this.#input.do(() => this.#send(bytes));
  }

  #send(bytes) {
    if (this.#shell === undefined) this.#typedAhead.push(bytes);
    else this.#shell.write(bytes);
  }

  #fitPanel() {
    if (this.#screen.clientWidth > 0 && this.#terminal.element) this.#fit.fit();
  }

  /** Ctrl+Shift+C and Ctrl+Shift+V copy and paste, as in other terminals; Shift+Escape leaves, for who uses no mouse. */
  #isForTerminal(event, onLeave) {
    if (event.type !== 'keydown') return true;
    const act = {
      Escape: event.shiftKey && onLeave,
      KeyC: event.ctrlKey && event.shiftKey && (() => this.#copy()),
      KeyV: event.ctrlKey && event.shiftKey && (() => this.#paste()),
    }[event.code];
    if (!act) return true;
    event.preventDefault();
    Promise.resolve(act()).catch(({ message }) => this.say(message));
    return false;
  }

  async #copy() {
    const text = this.#terminal.getSelection();
    if (text === '') return this.say('Nothing is selected.');
    await navigator.clipboard.writeText(text);
    this.say('Copied.');
  }

  async #paste() {
    // What somebody types from now on is for the terminal.
    this.focus();
    await this.#input.doWith(navigator.clipboard.readText(), (text) => {
      this.#isPasting = true;
      this.#terminal.paste(text);
      this.#isPasting = false;
    });
  }

  async #upload() {
    const picker = element('input', { type: 'file' });
    const chosen = new Promise((resolve) => {
      picker.addEventListener('change', () => resolve(picker.files[0]));
      picker.addEventListener('cancel', () => resolve(undefined));
    });
    picker.click();
    const file = await chosen;
    if (file === undefined) return;
    const path = await ask({
      title: `Upload ${file.name}`,
      text: ['Where to?'],
      yes: 'Upload',
      no: 'Cancel',
      path: file.name,
    });
    // The shell may have ended meanwhile.
    if (path === false || this.isOver) return;
    await this.#shell.files.upload(file, path, (done) => this.say(`Upload: ${done} of ${file.size} bytes`));
    this.say(`Uploaded ${file.size} bytes to ${path}`);
  }

  async #download() {
    const path = await ask({
      title: 'Download',
      text: ['Which file of the server?'],
      yes: 'Download',
      no: 'Cancel',
      path: '',
    });
    if (path === false || this.isOver) return;
    const blob = await this.#shell.files.download(path, (done) => this.say(`Download: ${done} bytes`));
    save(blob, path.split('/').at(-1));
    this.say(`Downloaded ${blob.size} bytes of ${path}`);
  }

  #toggleRecording() {
    const now = Date.now();
    if (this.#recording === undefined) {
      const cast = new Asciicast(now);
      this.#recording = { cast, lines: [cast.head(this.size, this.title)] };
    } else {
      save(new Blob(this.#recording.lines), `${this.title}.cast`);
      this.#recording = undefined;
    }
    const isOn = this.#recording !== undefined;
    this.#record.ariaPressed = String(isOn);
    this.#record.textContent = isOn ? 'Stop recording' : 'Record';
    this.#showRecorded();
  }

  #showRecorded() {
    const by = [this.#isRecordedByServer && 'the server', this.#recording && 'this page'].filter(Boolean);
    this.#recorded.textContent = by.length > 0 ? `● Recorded by ${by.join(' and ')}` : '';
  }

  #keep(makeLine) {
    this.#recording?.lines.push(makeLine(this.#recording.cast));
  }
}
