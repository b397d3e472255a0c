import { isSecretName, MASKED } from './secret-names.js';

/** Masks what is within elements and attributes of secret names. It is no parser: what was cut off is masked to its end. */
export function maskXml(text: string): string {
  let shown = '';
  let copied = 0;
  TAG.lastIndex = 0;
  for (let tag = TAG.exec(text); tag !== null; tag = TAG.exec(text)) {
    const [whole, name = '', attributes = ''] = tag;
    shown += text.slice(copied, tag.index) + whole.replace(attributes, () => maskAttributes(attributes));
    copied = TAG.lastIndex;
    if (!isSecretName(localName(name)) || attributes.endsWith('/')) continue;
    const end = text.indexOf(`</${name}`, copied);
    copied = end < 0 ? text.length : end;
    shown += MASKED;
    TAG.lastIndex = copied;
  }
  return shown + text.slice(copied);
}

/** One that opens an element. The last one may be cut off. */
const TAG = /<([\w:.-]+)(?![\w:.-])([^<>]*)(?:>|$)/g;

function maskAttributes(attributes: string): string {
  return attributes.replace(
    /(?<![\w:.-])([\w:.-]+)(\s*=\s*)("[^"]*"?|'[^']*'?)/g,
    (all, name: string, equals: string) => (isSecretName(localName(name)) ? `${name}${equals}"${MASKED}"` : all),
  );
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
