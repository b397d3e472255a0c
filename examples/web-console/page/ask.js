/** Questions come one after another. */
let last = Promise.resolve();

/**
 * Asks the user in a dialog, once all earlier questions have their answers.
 *
 * @param {{ title: string, text: string[], yes: string, no: string, path?: string, passphrase?: true }} question `path`: a path is
 *   asked for, with this to begin with; `passphrase`: one is asked for
 * @returns {Promise<string | boolean>} the path or the passphrase, or true; false for no, and for the Escape key
 */
export function ask(question) {
  const answer = last.then(() => show(question));
  last = answer.catch(() => {});
  return answer;
}

function show({ title, text, yes, no, path, passphrase }) {
  const dialog = document.querySelector('#question');
  const form = dialog.querySelector('form');
  const [refuse, accept] = dialog.querySelectorAll('button');
  const input = form.elements.answer;
  dialog.querySelector('h2').textContent = title;
  dialog.querySelector('.text').replaceChildren(...text.map(paragraph));
  const hasAnswer = path !== undefined || passphrase;
  dialog.querySelector('.answer').hidden = !hasAnswer;
  dialog.querySelector('.answer span').textContent = passphrase ? 'Passphrase' : 'Path';
  input.type = passphrase ? 'password' : 'text';
  input.required = hasAnswer;
  input.value = path ?? '';
  refuse.textContent = no;
  accept.textContent = yes;
  dialog.returnValue = 'no';
  // The Enter key in the answer means yes.
  refuse.onclick = () => dialog.close('no');
  // The second click of a double one was meant for the question before.
  accept.onclick = (event) => {
    if (event.detail > 1) event.preventDefault();
  };
  dialog.showModal();
  // What somebody types into a terminal must not accept anything here.
  (hasAnswer ? input : refuse).focus();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      resolve(dialog.returnValue === 'yes' && (!hasAnswer || input.value));
      // Secrets do not stay in the page.
      input.value = '';
    };
  });
}

function paragraph(text) {
  const element = document.createElement('p');
  element.textContent = text;
  return element;
}
