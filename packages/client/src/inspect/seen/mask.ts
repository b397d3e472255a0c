import type { RawHeaders } from '../watcher.js';
import { pairsOf } from './headers.js';
import { maskJson } from './mask-json.js';
import { maskXml } from './mask-xml.js';
import { isSecretField, isSecretName, MASKED } from './secret-names.js';

/** Hides what gives access: passwords, tokens and cookies. Names and structure stay. */
export const MASK: Mask = {
  headers: (headers) => [...pairsOf(headers)].flatMap(([name, value]) => [name, maskHeader(name.toLowerCase(), value)]),
  url: maskUrl,
  text: (text, mediaType) => {
    if (mediaType === 'application/x-www-form-urlencoded') return maskForm(text);
    if (mediaType.startsWith('multipart/')) return maskParts(text);
    if (XML.test(mediaType === '' ? text : mediaType)) return maskXml(text);
    if (mediaType === '') return maskJson(FORM.test(text) ? maskForm(text) : text);
    return maskJson(text);
  },
};

/** Shows all, for those who ask for it. */
export const NO_MASK: Mask = { headers: (headers) => headers, url: (url) => url, text: (text) => text };

export interface Mask {
  headers(headers: RawHeaders): RawHeaders;
  url(url: string): string;
  /** Of a body or a message; `mediaType` is empty where it is not known. */
  text(text: string, mediaType: string): string;
}

/** Of a form without its media type. */
const FORM = /^[\w.%+[\]-]+=[^\s&]*(?:&[\w.%+[\]-]+=[^\s&]*)*$/;
/** A media type, or how such a text begins. */
const XML = /^[a-z]+\/(?:.+\+)?xml$|^\s*<[?\w]/;

function maskHeader(name: string, value: string): string {
  if (name === 'authorization' || name === 'proxy-authorization') {
    // The scheme is public (RFC 9110 section 11.4).
    return /^[\w-]+ +\S/.test(value) ? `${value.slice(0, value.indexOf(' '))} ${MASKED}` : MASKED;
  }
  if (name === 'cookie') return value.split(';').map(maskPair).join(';');
  // The first pair is the cookie, what follows are its attributes (RFC 6265 section 4.1).
  if (name === 'set-cookie') return value.replace(/^[^;]*/, maskPair);
  // Browsers can send a token in no other place.
  if (name === 'sec-websocket-protocol') return value.replace(/[^\s,]+/g, maskProtocol);
  if (isSecretName(name)) return MASKED;
  return LINKS.has(name) ? maskUrl(value) : value;
}

const LINKS: ReadonlySet<string> = new Set(['location', 'content-location', 'referer', 'refresh', 'link', ':path']);

/** Such as `ticket.MTIz` and `base64url.bearer.authorization.k8s.io.MTIz`. */
function maskProtocol(protocol: string): string {
  const dot = protocol.lastIndexOf('.');
  return SECRET_PROTOCOL.test(protocol.slice(0, dot + 1)) ? `${protocol.slice(0, dot + 1)}${MASKED}` : protocol;
}

const SECRET_PROTOCOL = /(^|[.-])(auth|authorization|bearer|jwt|ticket|token)[.-]/i;

function maskPair(pair: string): string {
  const equals = pair.indexOf('=');
  return equals < 0 ? MASKED : `${pair.slice(0, equals + 1)}${MASKED}`;
}

/** The password, or a user without one, which may be a token; and the secret fields of the query and of the fragment. */
function maskUrl(url: string): string {
  return url
    .replace(
      /(:\/\/)(?:([^/?#@:]*:)[^/?#]*|[^/?#@:]+)@/,
      (_all, begin: string, user = '') => `${begin}${user}${MASKED}@`,
    )
    .replace(/([?#&])([^=&#;?]*)=([^&#;>]*)|(;)([^=&#;?/]*)=([^&#;>?/]*)/g, maskField);
}

/** The second three are of a path. */
function maskField(all: string, before = '', name = '', value = '', semicolon = '', parameter = ''): string {
  return isSecretField(decoded(name + parameter), value) ? `${before}${semicolon}${name}${parameter}=${MASKED}` : all;
}

function maskForm(text: string): string {
  return text
    .split('&')
    .map((field) => {
      const [name = '', value = ''] = field.split(/=(.*)/s);
      if (isSecretField(decoded(name), value)) return maskPair(field);
      const [text, masked] = [decoded(value), maskJson(decoded(value))];
      return masked === text ? field : `${name}=${encodeURIComponent(masked)}`;
    })
    .join('&');
}

/** An escape at the end may be cut off. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' ').replace(/%.?$/, ''));
  } catch {
    return text;
  }
}

/** The parts of a form (RFC 7578): from the empty line to the next boundary, or as far as there is. */
function maskParts(text: string): string {
  const boundary = /^--[^\r\n]+/.exec(text)?.[0];
  if (boundary === undefined) return maskJson(text);
  return text
    .split(boundary)
    .map((part) => {
      const end = part.indexOf('\r\n\r\n');
      const name = /;\s*name="?([^";\r\n]*)/i.exec(part.slice(0, end < 0 ? part.length : end))?.[1];
      if (end < 0 || name === undefined || !isSecretName(name)) return maskJson(part);
      return `${part.slice(0, end)}\r\n\r\n${MASKED}\r\n`;
    })
    .join(boundary);
}
