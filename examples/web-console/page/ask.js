/**
 * Asks the user in a dialog.
 *
 * @param {{ title: string, text: string[], yes: string, no: string, path?: string }} question `path`: a path is asked for, with
 *   this to begin with
 * @returns {Promise<string | boolean>} the path, or true; false for no, and for the Escape key
 */
export function ask({ title, text, yes, no, path }) {
  const dialog = document.querySelector('#question');
  const form = dialog.querySelector('form');
  const [refuse, accept] = dialog.querySelectorAll('button');
  const input = form.elements.answer;
  dialog.querySelector('h2').textContent = title;
  dialog.querySelector('.text').replaceChildren(...text.map(paragraph));
  dialog.querySelector('.answer').hidden = path === undefined;
  input.required = path !== undefined;
  input.value = path ?? '';
  refuse.textContent = no;
  accept.textContent = yes;
  dialog.returnValue = 'no';
  dialog.showModal();
  // What somebody types into a terminal must not accept anything here.
  (path === undefined ? refuse : input).focus();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === 'yes' && (path === undefined || input.value));
  });
}

function paragraph(text) {
  const element = document.createElement('p');
  element.textContent = text;
  return element;
}
