// The terminal makes style sheets. The policy of the page lets in none but those with the nonce that the server gave to it.
const { nonce } = document.querySelector('script[data-nonce]').dataset;
const createElement = document.createElement.bind(document);

document.createElement = (name, options) => {
  const element = createElement(name, options);
  if (name === 'style') element.nonce = nonce;
  return element;
};
